// One panel of a live chart: a title, the values under the cursor, and a plotly chart that grows.

import { addSaving, listenToKeys } from "./live_chart_controls.js"
import { bandOf, Series } from "./live_chart_series.js"
import { axisStyle, colorOf, paintDot } from "./live_chart_theme.js"

const FEW_POINTS = 25 // below this, points are drawn too: a line of one point is invisible
const MANY_POINTS = 100 // from here on, those of a validation would hide the curve behind them
const FLAT = 1e-6 // curves that differ by less, relative to their size, are constant
const MARK_LABELS = 3 // more marks than this show their label on hover only

const element = (tag, className, parent, text = "") => {
  const node = document.createElement(tag)
  node.className = className
  node.textContent = text
  parent.appendChild(node)
  return node
}

const format = value => {
  if (value === null || value === undefined) return "–"
  const size = Math.abs(value)
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return value.toExponential(1)
  const digits = size >= 1000 ? 4 : 3
  return value.toLocaleString("en", {
    minimumSignificantDigits: digits,
    maximumSignificantDigits: digits,
  })
}

export class Panel {
  constructor(chart, spec) {
    this.chart = chart
    this.spec = spec
    this.seen = false // on the screen, or nearly
    this.changed = false // since it was drawn; "all": not by new points alone
    this.node = element("section", "rft-panel", chart.grid)
    this.node.setAttribute("aria-label", spec.title)
    const header = element("header", "rft-panel-header", this.node)
    const title = element("h4", "rft-panel-title", header)
    element("span", "rft-panel-name", title, spec.title).title = spec.title
    if (spec.help) {
      const help = element("span", "rft-help", title, "?")
      help.tabIndex = 0
      help.setAttribute("role", "note")
      help.setAttribute("aria-label", spec.help)
      element("span", "rft-help-text", help, spec.help)
    }
    this.values = element("div", "rft-values", header)
    addSaving(this, title)
    this.plotNode = element("div", "rft-plot", this.node)
    this.plot = element("div", "rft-plotly", this.plotNode)
    this.cursor = element("div", "rft-cursor", this.plotNode)
    this.cursor.hidden = true
    this.waiting = element("div", "rft-waiting", this.plotNode)
    this.curves = spec.traces.map(trace => {
      const value = element("span", "rft-value", this.values)
      element("i", "rft-dot", value)
      return { trace, series: new Series(), value, number: element("b", "", value) }
    })
    listenToKeys(this)
  }

  get empty() {
    return this.curves.every(curve => curve.series.length === 0)
  }

  get isFirst() {
    return !this.plot.data
  }

  get isDue() {
    return this.seen && this.changed && !this.empty
  }

  change(all) {
    this.changed = all || this.isFirst || this.changed === "all" ? "all" : "grown"
    this.plotNode.style.minHeight = `${this.chart.view.height}px`
    this.writeHeader()
  }

  paint() {
    if (this.empty) return
    this.changed === "all" ? this.draw() : this.grow()
    this.changed = false
  }

  isSmoothed(curve) {
    return curve.series.banded || (this.chart.view.smoothing > 0 && curve.trace.kind !== "validation")
  }

  // Plotly's traces: first every curve's faint raw line, or its band, then every curve itself.
  traces() {
    const { theme, hidden } = this.chart
    const raw = this.curves.map(curve => ({
      ...(curve.series.banded
        ? { ...bandOf(curve.series), fill: "toself", fillcolor: colorOf(curve.trace, theme), opacity: 0.22 }
        : { x: [...curve.series.x], y: [...curve.series.y], fill: "none", opacity: 0.28 }),
      customdata: [...curve.series.y],
      mode: "lines",
      line: { color: colorOf(curve.trace, theme), width: curve.series.banded ? 0 : 1 },
      hoverinfo: "skip",
      connectgaps: false,
      visible: this.isSmoothed(curve) && !hidden.has(curve.trace.name),
    }))
    const main = this.curves.map(curve => ({
      x: [...curve.series.x],
      y: [...curve.series.smooth],
      customdata: [...curve.series.y],
      name: curve.trace.name,
      mode: this.modeOf(curve),
      line: {
        color: colorOf(curve.trace, theme),
        width: 1.8,
        dash: curve.trace.dashed ? "5px,3px" : "solid",
      },
      marker: { size: 5, color: colorOf(curve.trace, theme) },
      connectgaps: false,
      visible: !hidden.has(curve.trace.name),
      hovertemplate: this.isSmoothed(curve)
        ? "%{y:.4~g} mean <i>(%{customdata:.4~g} measured)</i>"
        : "%{y:.4~g}",
    }))
    return [...raw, ...main]
  }

  modeOf(curve) {
    const most = curve.trace.kind === "validation" ? MANY_POINTS : FEW_POINTS
    return curve.series.length < most ? "lines+markers" : "lines"
  }

  layout() {
    const { theme, view, xRange } = this.chart
    const decades = this.decades()
    const logY = view.logY && decades !== null
    const few = view.marks.length <= MARK_LABELS
    const flat = logY ? null : this.flatRange()
    return {
      height: view.height,
      autosize: true,
      margin: { l: 46, r: 12, t: view.marks.length ? 16 : 6, b: 36 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: theme.font, size: 11.5, color: theme.muted },
      showlegend: false,
      dragmode: "zoom",
      hovermode: "x unified",
      hoverdistance: 40,
      uirevision: `${view.axis} ${logY}`,
      hoverlabel: {
        bgcolor: theme.background,
        bordercolor: theme.line,
        font: { family: theme.font, size: 12, color: theme.text },
      },
      xaxis: {
        ...axisStyle(theme),
        showgrid: false,
        title: { text: view.xTitle, font: { size: 11.5, color: theme.muted }, standoff: 4 },
        tickformat: "~s",
        hoverformat: view.axis === "time" ? ".1f" : ",d",
        nticks: 6,
        showspikes: false, // the shared cursor stands in for plotly's, which ignores the theme
        autorangeoptions: { clipmin: 0 },
        ...(xRange ? { range: [...xRange], autorange: false } : { autorange: true }),
      },
      yaxis: {
        ...axisStyle(theme),
        type: logY ? "log" : "linear",
        nticks: 5,
        uirevision: `${logY} ${flat}`, // a curve that begins to move keeps the zoom in x
        ...(flat ? { range: flat, autorange: false } : { autorange: true }),
        ...(logY ? { tickformat: "~g", dtick: decades > 1 ? 1 : "D2" } : {}),
      },
      shapes: view.marks.map(mark => ({
        type: "line",
        x0: mark.x,
        x1: mark.x,
        yref: "paper",
        y0: 0,
        y1: 1,
        layer: "below",
        line: { color: theme.line, width: 1, dash: "dot" },
      })),
      annotations: view.marks.map(mark => ({
        x: mark.x,
        yref: "paper",
        y: 1,
        yanchor: "bottom",
        showarrow: false,
        text: few ? mark.label : "▾",
        hovertext: mark.label,
        font: { size: 10, color: theme.muted, family: theme.font },
      })),
    }
  }

  // How many powers of ten the positive values span, or null where there are none.
  decades() {
    const positive = this.curves.flatMap(({ series }) => series.y.filter(y => y > 0))
    if (!positive.length) return null
    const bound = choose => positive.reduce((a, b) => choose(a, b))
    return Math.log10(bound(Math.max) / bound(Math.min))
  }

  // The y range around curves that all stay at one value, or null. Left to itself plotly would
  // stretch the last digit of float32 over the whole height.
  flatRange() {
    let low = Infinity
    let high = -Infinity
    for (const { series } of this.curves) {
      for (const y of series.y) {
        if (y === null) continue
        if (y < low) low = y
        if (y > high) high = y
      }
    }
    const size = Math.max(Math.abs(low), Math.abs(high))
    if (low > high || high - low > FLAT * size) return null
    const margin = size > 0 ? size / 2 : 1
    return [low - margin, high + margin]
  }

  // Draw everything from what is held; the user's zoom stays (plotly's uirevision).
  draw() {
    const config = { displayModeBar: false, doubleClick: "autosize", showTips: false }
    const first = this.isFirst
    Plotly.react(this.plot, this.traces(), this.layout(), config)
    if (first) this.listen()
    this.logY = this.plot.layout.yaxis.type === "log"
    this.flat = !this.logY && this.flatRange() !== null
    this.curves.forEach(curve => Object.assign(curve, { shown: curve.series.length, mode: this.modeOf(curve) }))
    this.showCursor()
  }

  // Draw only the points that arrived since the last drawing.
  grow() {
    const grown = this.curves.flatMap((curve, i) =>
      curve.series.length > curve.shown ? [{ curve, i }] : [])
    if (!grown.length) return
    if (grown.some(({ curve }) => curve.series.banded)) return this.draw() // its shape is another one
    const crossed = grown.some(({ curve }) => this.modeOf(curve) !== curve.mode)
    const rises = this.flat && this.flatRange() === null
    if (crossed || rises || (this.chart.view.logY && !this.logY)) return this.draw()
    const update = { x: [], y: [], customdata: [] }
    const indices = []
    const add = (index, x, y, customdata) => {
      indices.push(index)
      update.x.push(x)
      update.y.push(y)
      update.customdata.push(customdata)
    }
    for (const { curve, i } of grown) {
      const x = curve.series.x.slice(curve.shown)
      const y = curve.series.y.slice(curve.shown)
      add(i, x, y, y)
      add(this.curves.length + i, x, curve.series.smooth.slice(curve.shown), y)
      curve.shown = curve.series.length
    }
    Plotly.extendTraces(this.plot, update, indices)
    this.showCursor()
  }

  setXRange(range) {
    if (!this.plot.data) return
    Plotly.relayout(this.plot, range
      ? { "xaxis.range": [...range], "xaxis.autorange": false }
      : { "xaxis.autorange": true, ...this.yRange() })
  }

  yRange() {
    const flat = this.logY ? null : this.flatRange()
    return flat ? { "yaxis.range": flat } : { "yaxis.autorange": true }
  }

  setHidden() {
    const visible = curve => !this.chart.hidden.has(curve.trace.name)
    const values = [
      ...this.curves.map(curve => this.isSmoothed(curve) && visible(curve)),
      ...this.curves.map(visible),
    ]
    if (this.plot.data) Plotly.restyle(this.plot, { visible: values }, values.map((_, i) => i))
    this.writeHeader()
  }

  // The header shows what each curve measured last, or at the shared cursor: never a mean over
  // other steps, which the drawn line is where it is smoothed.
  writeHeader() {
    const x = this.chart.cursorX
    for (const curve of this.curves) {
      const at = x === null ? curve.series.last() : curve.series.nearest(x)
      curve.value.hidden = at < 0 || this.chart.hidden.has(curve.trace.name)
      curve.value.title = at < 0 || !this.isSmoothed(curve)
        ? curve.trace.name
        : `${curve.trace.name}, as measured; the line smooths it to ${format(curve.series.smooth[at])}`
      paintDot(curve.value.firstChild, curve.trace, this.chart.theme)
      curve.number.textContent = at < 0 ? "" : format(curve.series.y[at])
    }
    this.waiting.hidden = !this.empty
    this.waiting.textContent = this.chart.view.waiting
    this.node.classList.toggle("rft-empty", this.empty)
  }

  showCursor() {
    if (this.isFirst) return this.writeHeader()
    const x = this.chart.cursorX
    const axis = this.plot._fullLayout.xaxis
    const at = x === null ? -1 : axis.d2p(x)
    this.cursor.hidden = this.empty || !(at >= 0 && at <= axis._length)
    this.cursor.style.left = `${axis._offset + at}px`
    this.writeHeader()
  }

  listen() {
    this.plot.on("plotly_hover", event => this.chart.moveCursor(event.xvals[0]))
    this.plot.on("plotly_unhover", () => this.chart.moveCursor(null))
    this.plot.on("plotly_relayout", change => {
      if (change["xaxis.range[0]"] !== undefined)
        this.chart.zoom([change["xaxis.range[0]"], change["xaxis.range[1]"]], this)
      else if (change["xaxis.autorange"]) this.chart.zoom(null, this)
    })
    this.plot.on("plotly_click", event => {
      const y = event.event.clientY - this.plot.getBoundingClientRect().top
      const height = point => point.yaxis._offset + point.yaxis.d2p(point.y)
      const distance = point => Math.abs(height(point) - y)
      const point = event.points.reduce((a, b) => (distance(b) < distance(a) ? b : a))
      const curve = this.curves[point.curveNumber - this.curves.length]
      this.chart.click(this.spec.title, curve.trace.name, curve.series.step[curve.series.nearest(point.x)])
    })
  }
}
