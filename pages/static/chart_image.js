const save = (blob, name) => {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name })
  document.body.append(link); link.click(); link.remove(); setTimeout(() => URL.revokeObjectURL(link.href), 1e4)
}
const drawn = chart => document.querySelector(`[class*="st-key-${chart}"] svg.marks, [class*="st-key-${chart}"] .stVegaLiteChart svg`)
const copy = svg => {
  const own = svg.cloneNode(true), page = getComputedStyle(document.querySelector('.stApp') || document.body)
  const { width, height } = svg.getBoundingClientRect()
  for (const [name, value] of Object.entries({ xmlns: 'http://www.w3.org/2000/svg', width, height })) own.setAttribute(name, value)
  const back = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: page.backgroundColor })) back.setAttribute(name, value)
  own.prepend(back)
  return { text: new XMLSerializer().serializeToString(own), width, height }
}
export default function (component) {
  const { data, parentElement } = component, status = parentElement.querySelector('[role=status]')
  const take = kind => {
    const svg = drawn(data.chart)
    status.textContent = svg ? '' : 'The chart is not drawn yet.'
    if (!svg) return
    const { text, width, height } = copy(svg), blob = new Blob([text], { type: 'image/svg+xml' })
    if (kind === 'svg') return save(blob, `${data.name}.svg`)
    const picture = new Image(), canvas = Object.assign(document.createElement('canvas'), { width: 2 * width, height: 2 * height })
    picture.onload = () => {
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height)
      canvas.toBlob(found => save(found, `${data.name}.png`))
    }
    picture.src = URL.createObjectURL(blob)
  }
  for (const button of parentElement.querySelectorAll('button')) button.onclick = () => take(button.dataset.kind)
}
