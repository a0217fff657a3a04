// A grid of small charts that grow while a run trains. Messages come from chart_message.py:
// points carry their absolute position, so applying one twice changes nothing, and a gap is
// answered by asking Python (the `resend` trigger) for everything.

import { Panel } from "./live_chart_panel.js"
import { paintDot, readTheme } from "./live_chart_theme.js"

const PATIENCE = 10_000 // milliseconds until what was asked for is asked for again

const asset = name => new URL(`./${name}`, import.meta.url).href

const loaded = (tag, attributes) =>
  new Promise((resolve, reject) => {
    const node = Object.assign(document.createElement(tag), attributes)
    node.onload = resolve
    node.onerror = () => reject(new Error(`${node.src ?? node.href} could not be loaded. Reload the page.`))
    document.head.appendChild(node)
  })

let ready = null
const whenReady = () =>
  (ready ??= Promise.all([
    window.Plotly ?? loaded("script", { src: asset("plotly-basic.min.js") }),
    loaded("link", { rel: "stylesheet", href: asset("live_chart.css") }),
  ]))

class Chart {
  constructor(parent) {
    this.root = document.createElement("div")
    this.root.className = "rft-chart"
    this.bar = this.root.appendChild(document.createElement("div"))
    this.bar.className = "rft-bar"
    this.grid = this.root.appendChild(document.createElement("div"))
    this.grid.className = "rft-grid"
    parent.appendChild(this.root)
    this.hidden = new Set() // names of curves switched off
    this.xRange = null // the zoom shared by all panels
    this.cursorX = null
    this.panels = []
    this.resize = new ResizeObserver(() => this.fit())
    this.resize.observe(this.root)
  }

  apply(message) {
    const theme = readTheme(this.root)
    const look = JSON.stringify([theme, message.view])
    if (this.view && message.view.axis !== this.view.axis) this.xRange = null
    const replaced = message.generation !== this.generation
    if (replaced && !message.panels) return this.askForAll(message)
    const redraw = replaced || look !== this.look
    Object.assign(this, { theme, look, view: message.view })
    if (message.panels && message.signature !== this.signature) this.build(message.panels)
    if (replaced) this.curves.forEach(curve => curve.series.clear())
    const complete = message.chunks.every(chunk => this.curves[chunk.trace].series.append(chunk))
    Object.assign(this, { signature: message.signature, generation: message.generation })
    if (redraw) this.writeBar()
    for (const panel of this.panels) redraw ? panel.draw() : panel.grow()
    if (!complete) this.askForAll(message)
  }

  get curves() {
    return this.panels.flatMap(panel => panel.curves)
  }

  build(specs) {
    this.panels.forEach(panel => this.remove(panel))
    this.panels = specs.map(spec => new Panel(this, spec))
  }

  remove(panel) {
    if (panel.plot.data) Plotly.purge(panel.plot)
    panel.node.remove()
  }

  // The legend, one button per curve name, and the way out of a zoom.
  writeBar() {
    const focused = this.bar.querySelector(":focus")?.dataset.name
    this.bar.replaceChildren()
    const traces = new Map(this.curves.map(({ trace }) => [trace.name, trace]))
    for (const [name, trace] of traces) {
      const button = this.addButton(name, "rft-legend", () => this.toggle(name))
      button.setAttribute("aria-pressed", String(!this.hidden.has(name)))
      button.dataset.name = name
      button.title = this.hidden.has(name) ? `Show ${name}` : `Hide ${name}`
      const dot = document.createElement("i")
      dot.className = "rft-dot"
      paintDot(dot, trace, this.theme)
      button.prepend(dot)
      if (name === focused) button.focus()
    }
    if (this.xRange) this.addButton("Reset zoom", "rft-reset", () => this.zoom(null))
  }

  addButton(text, className, onclick) {
    const button = Object.assign(document.createElement("button"), { className, onclick })
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
    this.xRange = range
    const others = this.panels.filter(panel => panel !== source)
    Promise.all(others.map(panel => panel.setXRange(range))).finally(() => (this.zooming = false))
    this.writeBar()
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

  // Once a generation: the answer begins another one, and may take its time on a busy machine.
  askForAll({ generation }) {
    const isOnItsWay = generation === this.lacking && Date.now() - this.asked < PATIENCE
    if (isOnItsWay) return
    Object.assign(this, { lacking: generation, asked: Date.now() })
    this.send("resend", this.asked)
  }

  fit() {
    cancelAnimationFrame(this.fitting)
    this.fitting = requestAnimationFrame(() => {
      for (const { plot } of this.panels) if (plot.data && plot.offsetWidth) Plotly.Plots.resize(plot)
    })
  }

  destroy() {
    this.resize.disconnect()
    this.panels.forEach(panel => this.remove(panel))
    this.root.remove()
  }
}

const charts = new WeakMap()

export async function render({ parentElement, data, setTriggerValue }) {
  await whenReady()
  const chart = charts.get(parentElement) ?? new Chart(parentElement)
  charts.set(parentElement, chart)
  chart.send = setTriggerValue
  chart.apply(data)
  // Streamlit also calls this when a newer call overtook this one: only leave with the page.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      chart.destroy()
      charts.delete(parentElement)
    })
}
