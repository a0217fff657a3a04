// A grid of small charts that grow while a run trains. Python says that there is something new and
// how to show it. Then the chart asks for what it lacks, and asks on only when that is drawn.

import { Panel } from "./live_chart_panel.js"
import { append, decode } from "./live_chart_series.js"
import { paintDot, readTheme } from "./live_chart_theme.js"

const PATIENCE = 60_000 // milliseconds for an answer: a busy machine takes long, a lost one for ever
const ASK_AGAIN = 2_000 // milliseconds after a question that got no answer
const THIN_AGAIN = 600 // points added to a curve, until all of it is asked for, thinned anew
const AHEAD = "300px" // that a panel may be below what is seen, and be drawn already

const asset = name => new URL(`./${name}`, import.meta.url).href

const loaded = (tag, attributes) =>
  new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), attributes)
    node.onload = resolve
    node.onerror = () => reject(new Error(`${node.src ?? node.href} could not be loaded. Reload the page.`))
    document.head.appendChild(node)
  })

const styled = loaded("link", { rel: "stylesheet", href: asset("live_chart.css") })
const plotly = window.Plotly ?? loaded("script", { src: asset("plotly-basic.min.js") })

// Lets the browser show what has been drawn before it draws on.
const breath = () =>
  new Promise(done => (document.hidden ? setTimeout(done) : requestAnimationFrame(() => setTimeout(done))))

class Chart {
  constructor(parent, choice) {
    this.choice = choice // { hidden: names of curves, xRange: the zoom of all panels, axis: along which }
    this.root = document.createElement("div")
    this.root.className = "rft-chart"
    this.bar = this.root.appendChild(document.createElement("div"))
    this.bar.className = "rft-bar"
    this.grid = this.root.appendChild(document.createElement("div"))
    this.grid.className = "rft-grid"
    parent.appendChild(this.root)
    this.cursorX = null
    this.panels = []
    this.held = null // which points: { url, generation, number, axis, smoothing, zoom, thinned }
    this.added = 0 // points of the curve that has grown most since all were asked for
    this.resize = new ResizeObserver(() => this.fit())
    this.resize.observe(this.root)
    const scrolled = this.root.closest("[data-testid=stMain]") // a margin counts around this only
    this.sight = new IntersectionObserver(entries => this.watch(entries), { root: scrolled, rootMargin: AHEAD })
    this.print = () => this.panels.forEach(panel => panel.paint())
    window.addEventListener("beforeprint", this.print)
  }

  set(wanted, send) {
    Object.assign(this, { wanted, send })
    this.update()
  }

  get hidden() {
    return this.choice.hidden
  }

  get xRange() {
    return this.choice.xRange
  }

  // One round at a time; what comes meanwhile is looked at in the next.
  async update() {
    this.due = true
    if (this.busy) return
    this.busy = true
    try {
      while (this.due && !this.ended) {
        this.due = false
        await this.catchUp(this.wanted)
      }
    } finally {
      this.busy = false
    }
  }

  async catchUp(wanted) {
    let message = null
    try {
      if (this.lacksAll(wanted)) message = await this.ask(wanted, null)
      else if (this.held.number < wanted.number) message = await this.ask(wanted, this.held)
    } catch {
      // The server is away, or has forgotten the chart: then Streamlit brings another address.
      clearTimeout(this.retry)
      this.retry = setTimeout(() => this.update(), ASK_AGAIN)
      return
    }
    await styled
    if (this.ended) return
    this.apply(wanted, message)
    await plotly
    await this.draw()
  }

  lacksAll({ url, view }) {
    const held = this.held
    if (held?.url !== url || held.axis !== view.axis || held.smoothing !== view.smoothing) return true
    return this.added >= THIN_AGAIN || (held.thinned && this.xRange !== null && this.xRange !== held.zoom)
  }

  async ask({ url, view }, held) {
    if (view.axis !== this.choice.axis) Object.assign(this.choice, { axis: view.axis, xRange: null })
    const zoom = this.xRange
    const query = new URLSearchParams({ axis: view.axis, smoothing: view.smoothing })
    if (zoom) {
      query.set("low", zoom[0])
      query.set("high", zoom[1])
    }
    if (held) {
      query.set("generation", held.generation)
      query.set("counts", this.curves.map(curve => curve.series.count).join())
    }
    const answer = await fetch(`${url}?${query}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
    if (!answer.ok) throw new Error(answer.statusText)
    const message = decode(await answer.arrayBuffer(), view.axis)
    const { generation, number, thinned } = message
    message.holds = { url, axis: view.axis, smoothing: view.smoothing, zoom, generation, number, thinned }
    return message
  }

  apply(wanted, message) {
    const theme = readTheme(this.root)
    const look = JSON.stringify([theme, wanted.view])
    const redraw = look !== this.look || message?.panels
    Object.assign(this, { theme, look, view: wanted.view })
    if (message) this.take(message)
    if (redraw) this.writeBar()
    for (const panel of this.panels) panel.change(redraw)
  }

  take({ panels, curves, holds }) {
    if (panels) {
      const structure = JSON.stringify(panels)
      if (structure !== this.structure) this.build(panels)
      this.structure = structure
      this.curves.forEach(curve => curve.series.clear())
      this.added = 0
    } else {
      holds.thinned ||= this.held.thinned
      holds.zoom = this.held.zoom
      this.added += Math.max(0, ...curves.map(curve => curve.points))
    }
    const own = this.curves
    for (const curve of curves) append(own[curve.trace].series, curve)
    this.held = holds
  }

  // What is seen and has changed, from the top: the first is on the screen while others are drawn.
  async draw() {
    for (let panel; (panel = this.panels.find(panel => panel.isDue)); ) {
      const first = panel.isFirst
      panel.paint()
      if (first) await breath()
      if (this.ended) return
    }
  }

  watch(entries) {
    for (const { target, isIntersecting } of entries) {
      const panel = this.panels.find(({ node }) => node === target)
      if (panel) panel.seen = isIntersecting
    }
    this.update()
  }

  get curves() {
    return this.panels.flatMap(panel => panel.curves)
  }

  build(specs) {
    this.panels.forEach(panel => this.remove(panel))
    this.panels = specs.map(spec => new Panel(this, spec))
    this.panels.forEach(panel => this.sight.observe(panel.node))
  }

  remove(panel) {
    this.sight.unobserve(panel.node)
    if (panel.plot.data) Plotly.purge(panel.plot)
    panel.node.remove()
  }

  // The legend, one button per curve name, and the way out of a zoom. Buttons stay while their curves
  // do, and hold the pointer that presses them: one that is replaced, or moves, between the press and
  // the release would never be clicked.
  writeBar() {
    const traces = new Map(this.curves.map(({ trace }) => [trace.name, trace]))
    const legend = new Map([...this.bar.querySelectorAll(".rft-legend")].map(node => [node.dataset.name, node]))
    for (const [name, node] of legend) if (!traces.has(name)) node.remove()
    for (const [name, trace] of traces) {
      const button = legend.get(name) ?? this.addLegend(name)
      button.setAttribute("aria-pressed", String(!this.hidden.has(name)))
      button.title = this.hidden.has(name) ? `Show ${name}` : `Hide ${name}`
      paintDot(button.firstChild, trace, this.theme)
    }
    if (!this.xRange) this.bar.querySelector(".rft-reset")?.remove()
    else if (!this.bar.querySelector(".rft-reset")) this.addButton("Reset zoom", "rft-reset", () => this.zoom(null))
  }

  addLegend(name) {
    const button = this.addButton(name, "rft-legend", () => this.toggle(name))
    button.dataset.name = name
    const dot = document.createElement("i")
    dot.className = "rft-dot"
    button.prepend(dot)
    return button
  }

  addButton(text, className, onclick) {
    const button = Object.assign(document.createElement("button"), { className, onclick })
    button.onpointerdown = ({ pointerId }) => button.setPointerCapture(pointerId)
    button.type = "button"
    button.textContent = text
    return this.bar.appendChild(button)
  }

  toggle(name) {
    this.hidden.has(name) ? this.hidden.delete(name) : this.hidden.add(name)
    this.panels.forEach(panel => panel.setHidden())
    this.writeBar()
  }

  // Plotly reports a zoom that we set as if the user had: `zooming` keeps it from echoing.
  zoom(range, source = null) {
    if (this.zooming) return
    this.zooming = true
    this.choice.xRange = range
    const others = this.panels.filter(panel => panel !== source)
    Promise.all(others.map(panel => panel.setXRange(range))).finally(() => (this.zooming = false))
    this.writeBar()
    this.update() // a thinned curve has more to show
  }

  // The cursor all panels share: a position on the x axis, or null.
  moveCursor(x) {
    this.cursorX = x
    cancelAnimationFrame(this.frame)
    this.frame = requestAnimationFrame(() => this.panels.forEach(panel => panel.showCursor()))
  }

  click(panel, trace, step) {
    this.send("click", { panel, trace, step })
  }

  fit() {
    cancelAnimationFrame(this.fitting)
    this.fitting = requestAnimationFrame(() => {
      for (const { plot } of this.panels) if (plot.data && plot.offsetWidth) Plotly.Plots.resize(plot)
    })
  }

  destroy() {
    this.ended = true
    clearTimeout(this.retry)
    this.resize.disconnect()
    this.sight.disconnect()
    window.removeEventListener("beforeprint", this.print)
    this.panels.forEach(panel => this.remove(panel))
    this.root.remove()
  }
}

const charts = new WeakMap()
const choices = new Map() // what a viewer chose, by address: Streamlit may put another element in place

export async function render({ parentElement, data, setTriggerValue }) {
  const known = charts.get(parentElement)
  const chosen = choices.get(data.url) ?? known?.choice ?? { hidden: new Set(), xRange: null, axis: data.view.axis }
  const chart = known ?? new Chart(parentElement, chosen)
  chart.choice = chosen
  charts.set(parentElement, chart)
  choices.set(data.url, chosen)
  chart.set(data, setTriggerValue)
  await Promise.all([styled, plotly]) // what cannot be loaded is said by Streamlit
  // Streamlit also calls this when a newer call overtook this one: only leave with the page.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      chart.destroy()
      charts.delete(parentElement)
    })
}
