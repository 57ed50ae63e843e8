export default function (component) {
  const { data, parentElement } = component
  const button = parentElement.querySelector('.button'), status = parentElement.querySelector('.status')
  parentElement.querySelector('.text').textContent = data.label
  button.href = data.url
  button.classList.toggle('quiet', data.quiet)
  const say = (text, bad) => { status.textContent = text; status.classList.toggle('bad', !!bad) }
  const save = name => {
    const link = Object.assign(document.createElement('a'), { href: data.url, download: name })
    document.body.append(link); link.click(); link.remove()
  }
  const start = async () => {
    if (button.getAttribute('aria-busy') === 'true') return
    button.setAttribute('aria-busy', 'true'); say('Getting it ready…')
    try {
      const answer = await fetch(data.url + '?prepare=1'), body = await answer.json()
      if (!answer.ok) return say(`${body.error.message} ${body.error.hint || ''}`, true)
      save(body.name); say(`${body.name}, ${(body.size / 1e6).toFixed(body.size < 1e7 ? 2 : 1)} MB`)
    } catch { say('The server did not answer. Try again.', true) }
    finally { button.removeAttribute('aria-busy') }
  }
  button.onclick = event => { event.preventDefault(); start() }
  button.onkeydown = event => { if (event.key === ' ') { event.preventDefault(); start() } }
}
