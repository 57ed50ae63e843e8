const active = new WeakMap()
const human = n => n >= 1e9 ? (n / 1e9).toFixed(2) + ' GB' : n >= 1e6 ? (n / 1e6).toFixed(1) + ' MB'
  : Math.max(1, Math.round(n / 1e3)) + ' kB'
const cookie = name => (document.cookie.split('; ').find(c => c.startsWith(name + '=')) || '')
  .slice(name.length + 1).replace(/^"|"$/g, '')

export default function (component) {
  const { data, parentElement, setTriggerValue } = component
  const $ = s => parentElement.querySelector(s)
  const zone = $('.zone'), file = $('.file'), label = $('.label'), work = $('.work'), error = $('.error')
  $('.title').textContent = data.label
  $('.hint').textContent = data.hint
  file.setAttribute('aria-label', data.label)
  file.multiple = data.several

  const idle = () => { work.hidden = true; label.hidden = false; file.value = ''; active.delete(parentElement) }
  const fail = e => {
    idle()
    error.replaceChildren(Object.assign(document.createElement('b'), { textContent: e.message }), e.hint || '')
    error.hidden = false
  }
  const send = files => {
    if (!files.length || active.has(parentElement)) return
    error.hidden = true
    if (files.length > 1 && !data.several) return fail({ message: 'Several files were dropped.',
      hint: 'Drop one, or put them into a .zip.' })
    const empty = files.find(f => f.size === 0)
    if (empty) return fail({ message: `${empty.name} is empty, or a folder.`, hint: 'Choose its files, or a .zip.' })
    const size = files.reduce((sum, f) => sum + f.size, 0)
    const chosen = { name: files.length > 1 ? `${files.length} files` : files[0].name, size }
    if (size > data.limit) return fail({ message: `${chosen.name} of ${human(size)}: the most this `
      + `server accepts is ${data.limit_text}.`, hint: 'Upload a smaller file, or raise the server\'s limit.' })
    const request = new XMLHttpRequest(), began = performance.now()
    active.set(parentElement, request)
    label.hidden = true; work.hidden = false
    $('.bar').value = 0
    $('.bar').setAttribute('aria-label', `Uploading ${chosen.name}`)
    $('.status').textContent = `${chosen.name}: 0 of ${human(chosen.size)}`
    request.upload.onprogress = e => {
      const speed = e.loaded / Math.max(0.2, (performance.now() - began) / 1000)
      $('.bar').value = 100 * e.loaded / e.total
      $('.status').textContent = e.loaded < e.total
        ? `${chosen.name}: ${human(e.loaded)} of ${human(e.total)}, ${human(speed)}/s` : `${chosen.name}: checking`
    }
    request.onload = () => {
      if (request.status === 200) {
        $('.status').textContent = `${chosen.name}: uploaded`
        setTriggerValue('uploaded', { token: data.token, ...JSON.parse(request.responseText) })
        return idle()
      }
      try { fail(JSON.parse(request.responseText).error) }
      catch { fail({ message: `The server answered ${request.status}.`, hint: 'Try again.' }) }
    }
    request.onerror = () => fail({ message: 'The connection broke during the upload.', hint: 'Choose the file again.' })
    request.onabort = idle
    request.open('PUT', data.url)
    request.setRequestHeader('X-Xsrftoken', cookie('_streamlit_xsrf'))
    if (files.length > 1) request.setRequestHeader('X-File-Parts',
      encodeURIComponent(JSON.stringify(files.map(f => [f.name, f.size]))))
    else request.setRequestHeader('X-File-Name', encodeURIComponent(chosen.name))
    request.send(files.length > 1 ? new Blob(files) : files[0])
  }
  file.onchange = () => send([...file.files])
  $('.cancel').onclick = () => active.get(parentElement)?.abort()
  zone.ondragover = e => { e.preventDefault(); zone.classList.add('over') }
  zone.ondragleave = () => zone.classList.remove('over')
  zone.ondrop = e => { e.preventDefault(); zone.classList.remove('over'); send([...e.dataTransfer.files]) }
  return () => active.get(parentElement)?.abort()
}
