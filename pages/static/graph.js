const OPEN = 48, MOST = 400, WIDTH = 168, LEAF = 40, MODULE = 54, SVG = 'http://www.w3.org/2000/svg'
const human = n => n >= 1e9 ? (n / 1e9).toPrecision(3) + ' G' : n >= 1e6 ? (n / 1e6).toPrecision(3) + ' M'
  : n >= 1e3 ? (n / 1e3).toPrecision(3) + ' k' : String(Math.round(n * 1000) / 1000)
const cut = (text, most) => text.length > most ? text.slice(0, most / 2 - 1) + '…' + text.slice(1 - most / 2) : text
const make = (name, about = {}, text) => {
  const found = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(about)) found.setAttribute(key, value)
  if (text !== undefined) found.textContent = text
  return found
}
const states = new WeakMap()

// Modules have the ids 0 … m-1, layers m … m+n-1; `parent` of a module or a layer is a module, or -1.
function model(data) {
  const { modules, layers } = data, first = modules.length, count = first + layers.length
  const parent = [...modules.map(each => each[1]), ...layers.map(each => each[2])]
  const inside = Array.from({ length: first }, () => []), roots = []
  for (let id = 0; id < count; id++) (parent[id] < 0 ? roots : inside[parent[id]]).push(id)
  const values = data.measures.map((_, at) => layers.map(each => each[5 + at] || 0))
  const sums = values.map(each => {
    const found = Array(count).fill(0)
    each.forEach((value, at) => { for (let id = first + at; id >= 0; id = parent[id]) found[id] += value })
    return found
  })
  const size = Array(count).fill(0)
  layers.forEach((_, at) => { for (let id = first + at; id >= 0; id = parent[id]) size[id]++ })
  return { ...data, first, count, parent, inside, roots, sums, size }
}

function openSome(m, open) {
  let shown = m.roots.length
  const seen = id => m.parent[id] < 0 || open.has(m.parent[id])
  for (let id of [...open]) shown += m.inside[id].length - 1
  for (let id = 0; id < m.first; id++) {
    if (open.has(id) || !seen(id) || shown + m.inside[id].length - 1 > OPEN * (open.more || 1)) continue
    open.add(id)
    shown += m.inside[id].length - 1
  }
  return open
}

function shownOf(m, open) {
  const at = Array(m.count), shown = []
  const walk = id => {
    if (id < m.first && open.has(id)) return m.inside[id].forEach(walk)
    shown.push(id)
    const cover = each => { at[each] = id; if (each < m.first) m.inside[each].forEach(cover) }
    cover(id)
  }
  m.roots.forEach(walk)
  const edges = new Map()
  m.layers.forEach((each, to) => each[4].forEach(from => {
    const a = at[m.first + from], b = at[m.first + to]
    if (a !== b) edges.set(a * m.count + b, [a, b])
  }))
  return { shown, edges: [...edges.values()] }
}

function laidOut(dagre, m, open) {
  const { shown, edges } = shownOf(m, open)
  const graph = new dagre.Graph({ compound: true })
  graph.setGraph({ rankdir: 'TB', nodesep: 14, ranksep: 26, marginx: 10, marginy: 10 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const id of shown) graph.setNode(String(id), { width: WIDTH, height: id < m.first ? MODULE : LEAF })
  for (const id of open) graph.setNode(String(id), { height: 20 })
  for (const id of [...shown, ...open]) if (m.parent[id] >= 0) graph.setParent(String(id), String(m.parent[id]))
  for (const [a, b] of edges) graph.setEdge(String(a), String(b))
  dagre.layout(graph)
  return { graph, shown, edges }
}

export default function (component) {
  const { data, parentElement } = component
  const $ = name => parentElement.querySelector(name)
  const view = $('.view'), all = $('.all'), before = states.get(parentElement)
  const m = model(data)
  const s = before?.id === data.id ? before : { id: data.id, open: openSome(m, new Set()), at: [0, 0, 1], hit: -1 }
  states.set(parentElement, s)
  let layout, dagre, alive = true

  const name = id => id < m.first ? m.modules[id][0] : m.layers[id - m.first][0]
  const path = id => id < 0 ? '' : [path(m.parent[id]), name(id)].filter(Boolean).join(' / ')
  const value = id => s.by < 0 ? 0 : m.sums[s.by][id]
  const words = (by, id) => m.measures[by][1] === 'ms' ? `${m.sums[by][id].toPrecision(3)} ms` : human(m.sums[by][id])
  const say = id => {
    const layer = id < m.first ? null : m.layers[id - m.first]
    const facts = m.measures.map((each, by) => `${each[0]} ${words(by, id)}`)
    const kind = layer ? `${layer[1]}${layer[3] ? `, output ${layer[3]}` : ''}` : `module of ${m.size[id]} layers`
    $('.about').replaceChildren(Object.assign(document.createElement('b'), { textContent: path(id) }),
      ` · ${[kind, ...facts].join(' · ')}`)
  }
  const move = () => all.setAttribute('transform', `translate(${s.at[0]} ${s.at[1]}) scale(${s.at[2]})`)
  const zoom = (by, x = view.clientWidth / 2, y = view.clientHeight / 2) => {
    const scale = Math.min(3, Math.max(.05, s.at[2] * by)), ratio = scale / s.at[2]
    s.at = [x - (x - s.at[0]) * ratio, y - (y - s.at[1]) * ratio, scale]
    move()
  }
  const fit = (least = .05) => {
    const { width, height } = layout.graph.graph()
    const scale = Math.min(1, Math.max(least, Math.min(view.clientWidth / width, view.clientHeight / height)))
    const boxes = layout.graph.nodes().map(id => layout.graph.node(id)).filter(each => each?.width)
    const first = boxes.reduce((top, each) => each.y - each.height / 2 < top.y - top.height / 2 ? each : top,
      { x: width / 2, y: Infinity, height: 0 })
    const middle = width * scale > view.clientWidth ? first.x : width / 2
    s.at = [view.clientWidth / 2 - middle * scale, 8, scale]
    move()
  }
  const show = id => {
    const found = layout.graph.node(String(id))
    const scale = Math.max(s.at[2], .7)
    s.at = [view.clientWidth / 2 - found.x * scale, view.clientHeight / 2 - found.y * scale, scale]
    move()
    focus(id)
  }
  const focus = id => {
    all.querySelectorAll('.node').forEach(each => each.setAttribute('tabindex', Number(each.dataset.id) === id ? 0 : -1))
    all.querySelector(`.node[data-id="${id}"]`)?.focus({ preventScroll: true })
  }
  const choose = id => {
    s.chosen = id
    all.querySelectorAll('.node').forEach(each => each.classList.toggle('chosen', Number(each.dataset.id) === id))
    all.querySelectorAll('.edge').forEach(each =>
      each.classList.toggle('on', each.dataset.a === String(id) || each.dataset.b === String(id)))
    say(id)
  }
  const toggle = id => {
    const opens = !s.open.has(id)
    if (opens && layout.shown.length + m.inside[id].length > MOST) {
      $('.about').textContent = `More than ${MOST} boxes would be shown: close another module first.`
      return
    }
    if (opens) s.open.add(id)
    else for (const each of [...s.open]) for (let up = each; up >= 0; up = m.parent[up]) if (up === id) s.open.delete(each)
    draw()
    show(opens ? m.inside[id].find(each => layout.graph.hasNode(String(each)) && !s.open.has(each)) ?? id : id)
    say(id)
  }
  const box = id => {
    const { x, y, width, height } = layout.graph.node(String(id)), opened = s.open.has(id)
    const module = id < m.first, about = module ? `${m.size[id]} layers` : m.layers[id - m.first][0]
    const most = Math.max(...layout.shown.map(value), 1e-12)
    const share = s.by < 0 ? 0 : Math.round(4 + 46 * Math.sqrt(value(id) / most))
    const fill = `color-mix(in srgb, var(--st-primary-color) ${opened ? 0 : share}%, var(--st-background-color))`
    const label = `${module ? 'Module' : m.layers[id - m.first][1]} ${name(id)}, ${opened ? 'open' : about}`
      + (s.by < 0 ? '' : `, ${m.measures[s.by][0]} ${words(s.by, id)}`)
    const node = make('g', { class: `node${module ? ' module' : ''}`, 'data-id': id, tabindex: -1, role: 'button',
      'aria-label': label, transform: `translate(${x - width / 2} ${y - height / 2})` })
    if (module) node.setAttribute('aria-expanded', opened)
    if (opened) {
      node.append(make('rect', { class: 'box group', width, height, rx: 6 }),
        make('rect', { y: -14, width: Math.min(width, 8 * name(id).length + 40), height: 16, fill: 'transparent' }),
        make('text', { x: 2, y: -3, class: 'title' }, `− ${cut(name(id), Math.max(10, Math.floor(width / 7) - 4))}`))
    } else {
      const lines = module ? [`+ ${cut(name(id), 22)}`, about] : [cut(m.layers[id - m.first][1], 22), cut(about, 25)]
      if (module && s.by >= 0) lines.push(`${m.measures[s.by][0]} ${words(s.by, id)}`)
      node.append(make('rect', { class: 'box', width, height, rx: module ? 6 : 3, style: `fill: ${fill}` }),
        ...lines.map((line, at) => make('text', { x: 8, y: 16 + 16 * at, class: at ? '' : 'strong' }, line)))
    }
    node.append(make('title', {}, label))
    node.onclick = event => { event.stopPropagation(); choose(id); if (module) toggle(id) }
    node.onfocus = () => say(id)
    node.onkeydown = event => key(event, id)
    return node
  }
  const key = (event, id) => {
    const go = { ArrowDown: 'successors', ArrowUp: 'predecessors' }[event.key]
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key]
    if (event.key === 'Enter' || event.key === ' ') { choose(id); if (id < m.first) toggle(id) }
    else if (event.key === 'Escape' && m.parent[id] >= 0) toggle(m.parent[id])
    else if (go && layout.graph[go](String(id))?.length) show(Number(layout.graph[go](String(id))[0]))
    else if (go || side) {
      const at = layout.shown.indexOf(id), next = layout.shown[at + (side ?? (go === 'successors' ? 1 : -1))]
      if (next !== undefined) show(next)
    } else return
    event.preventDefault()
  }
  const draw = () => {
    layout = laidOut(dagre, m, s.open)
    const depth = id => id < 0 ? 0 : 1 + depth(m.parent[id])
    const groups = [...s.open].filter(id => layout.graph.node(String(id))?.width).sort((a, b) => depth(a) - depth(b))
    const lines = layout.edges.map(([a, b]) => {
      const points = layout.graph.edge(String(a), String(b)).points
      return make('path', { class: 'edge', 'data-a': a, 'data-b': b, 'marker-end': 'url(#tip)',
        d: 'M' + points.map(each => `${each.x.toFixed(1)} ${each.y.toFixed(1)}`).join('L') })
    })
    all.replaceChildren(...groups.map(box), ...lines, ...layout.shown.map(box))
    all.querySelector('.node')?.setAttribute('tabindex', 0)
    $('.close').disabled = !s.open.size
    $('.open').disabled = layout.shown.length >= MOST || s.open.size === m.first
    $('.open').title = s.open.size === m.first ? 'Everything is open.' : 'Open more modules'
    mark()
  }
  const matches = () => {
    const text = $('.find').value.trim().toLowerCase()
    if (!text) return []
    const found = []
    for (let id = m.first; id < m.count; id++) {
      const layer = m.layers[id - m.first]
      if (layer[0].toLowerCase().includes(text) || layer[1].toLowerCase().includes(text)) found.push(id)
    }
    for (let id = 0; id < m.first; id++) if (m.modules[id][0].toLowerCase().includes(text)) found.push(id)
    return found
  }
  const mark = () => {
    const hits = new Set()
    for (const id of matches()) for (let up = id; up >= 0; up = m.parent[up]) hits.add(up)
    all.querySelectorAll('.node').forEach(each =>
      each.classList.toggle('match', hits.has(Number(each.dataset.id)) && !s.open.has(Number(each.dataset.id))))
    const count = matches().length
    $('.found').textContent = $('.find').value.trim() ? `${count} ${count === 1 ? 'match' : 'matches'}` : ''
    $('.next').disabled = !count
    $('.next').title = count ? 'Show the next match' : 'Type what to look for first'
  }
  const next = () => {
    const found = matches()
    if (!found.length) return
    s.hit = (s.hit + 1) % found.length
    const id = found[s.hit]
    s.open = new Set()
    for (let up = m.parent[id]; up >= 0; up = m.parent[up]) s.open.add(up)
    s.open = openSome(m, s.open)
    draw()
    show(id)
    choose(id)
  }
  const colours = () => {
    $('.colour').replaceChildren(...[['none', -1], ...m.measures.map((each, by) => [each[0], by])].map(([text, by]) =>
      Object.assign(document.createElement('option'), { textContent: text, value: by, selected: by === s.by })))
  }
  if (s.by === undefined || s.by >= m.measures.length) s.by = m.measures.length ? m.measures.length - 1 : -1
  colours()
  $('.colour').onchange = event => { s.by = Number(event.target.value); draw() }
  $('.find').oninput = () => { s.hit = -1; mark() }
  $('.find').onkeydown = event => { if (event.key === 'Enter') { event.preventDefault(); next() } }
  $('.next').onclick = next
  $('.open').onclick = () => {
    s.open.more = Math.min(MOST / OPEN, 1 + (layout.shown.length / OPEN | 0))
    openSome(m, s.open)
    draw()
    fit(.8)
  }
  $('.close').onclick = () => { s.open = new Set(); draw(); fit(.8) }
  $('.in').onclick = () => zoom(1.25)
  $('.out').onclick = () => zoom(.8)
  $('.fit').onclick = () => fit()
  view.onwheel = event => {
    if (!event.ctrlKey && !event.metaKey) return
    event.preventDefault()
    const place = view.getBoundingClientRect()
    zoom(Math.exp(-event.deltaY / 300), event.clientX - place.left, event.clientY - place.top)
  }
  view.onpointerdown = event => {
    if (event.target.closest('.node:not(:has(.group))')) return
    const from = [event.clientX - s.at[0], event.clientY - s.at[1]], start = [event.clientX, event.clientY]
    view.onpointermove = move_ => {
      if (Math.hypot(move_.clientX - start[0], move_.clientY - start[1]) < 4) return
      view.classList.add('drag')
      s.at = [move_.clientX - from[0], move_.clientY - from[1], s.at[2]]
      move()
    }
    window.addEventListener('pointerup', () => { view.onpointermove = null; view.classList.remove('drag') }, { once: true })
  }
  import(new URL(data.library, document.baseURI).href).then(found => {
    if (!alive) return
    dagre = found
    draw()
    if (before?.id === data.id) move()
    else fit(.8)
  }).catch(() => { $('.about').textContent = 'The graph cannot be drawn: its library did not load. Reload the page.' })
  return () => { alive = false }
}
