const save = (blob, name) => {
  const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: name })
  document.body.append(link); link.click(); link.remove(); setTimeout(() => URL.revokeObjectURL(link.href), 1e4)
}
// Vega draws one picture; plotly lays several over each other.
const box = chart => document.querySelector(`[class*="st-key-${chart}"] .js-plotly-plot`)
const drawn = chart => document.querySelector(`[class*="st-key-${chart}"] svg.marks, [class*="st-key-${chart}"] .stVegaLiteChart svg`)
const copy = (svg, others) => {
  const own = svg.cloneNode(true), page = getComputedStyle(document.querySelector('.stApp') || document.body)
  const { width, height } = svg.getBoundingClientRect()
  for (const [name, value] of Object.entries({ xmlns: 'http://www.w3.org/2000/svg', width, height })) own.setAttribute(name, value)
  for (const other of others) for (const part of other.childNodes) own.append(part.cloneNode(true))
  const back = document.createElementNS('http://www.w3.org/2000/svg', 'rect')
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: page.backgroundColor })) back.setAttribute(name, value)
  own.prepend(back)
  return { text: new XMLSerializer().serializeToString(own), width, height }
}
const list = found => (found && found.length !== undefined && typeof found !== 'string' ? Array.from(found) : [])
// Text that a spreadsheet would run as a formula is held apart by a quote.
const cell = value => {
  const text = value === null || value === undefined ? '' : String(value)
  const safe = typeof value === 'string' && /^[=+@\t\r-]/.test(text) ? `'${text}` : text
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
const rows = plot => {
  const axis = name => plot._fullLayout?.[`${name}axis`]?.title?.text || name
  const grid = (plot._fullData || []).some(trace => list(trace.z).length)
  const table = [['series', axis('x'), axis('y'), ...(grid ? ['value'] : [])]]
  for (const trace of plot._fullData || []) {
    const x = list(trace.x), y = list(trace.y), z = list(trace.z)
    if (z.length) z.forEach((line, down) => list(line).forEach((value, across) => table.push([trace.name, x[across] ?? across, y[down] ?? down, value])))
    else for (let at = 0; at < Math.max(x.length, y.length); at++) table.push([trace.name, x[at], y[at]])
  }
  return table.map(line => line.map(cell).join(',')).join('\r\n') + '\r\n'
}
export default function (component) {
  const { data, parentElement } = component, status = parentElement.querySelector('[role=status]')
  const take = kind => {
    const plot = box(data.chart), layers = plot ? [...plot.querySelectorAll('svg.main-svg')] : [drawn(data.chart)]
    status.textContent = layers[0] ? '' : 'The chart is not drawn yet.'
    if (!layers[0]) return
    if (kind === 'csv') return save(new Blob([rows(plot)], { type: 'text/csv' }), `${data.name}.csv`)
    const { text, width, height } = copy(layers[0], layers.slice(1)), blob = new Blob([text], { type: 'image/svg+xml' })
    if (kind === 'svg') return save(blob, `${data.name}.svg`)
    const picture = new Image(), canvas = Object.assign(document.createElement('canvas'), { width: 2 * width, height: 2 * height })
    picture.onload = () => {
      canvas.getContext('2d').drawImage(picture, 0, 0, canvas.width, canvas.height)
      canvas.toBlob(found => save(found, `${data.name}.png`))
    }
    picture.src = URL.createObjectURL(blob)
  }
  parentElement.querySelector('[data-kind=csv]').hidden = !data.table
  for (const button of parentElement.querySelectorAll('button')) button.onclick = () => take(button.dataset.kind)
}
