// What can be done with a panel besides pointing at it: reading it by keys, and saving it as a file.

const FAR = 10 // points, with Shift
const SCALE = 2 // for a picture that is sharp where it is shown large

// Arrows read one step after the other, Enter clicks it, Escape zooms out.
export function listenToKeys(panel) {
  const node = panel.plotNode
  node.tabIndex = 0
  node.setAttribute("role", "group")
  node.setAttribute("aria-label", `${panel.spec.title}: arrow keys read its values, Enter chooses a step`)
  node.onkeydown = event => {
    const { chart } = panel
    const curve = panel.curves.find(({ trace, series }) => series.length && !chart.hidden.has(trace.name))
    if (!curve || event.target !== node) return
    const { series } = curve
    const at = chart.cursorX === null ? series.last() : series.nearest(chart.cursorX)
    const by = event.shiftKey ? FAR : 1
    const places = { ArrowLeft: at - by, ArrowRight: at + by, Home: 0, End: series.length - 1 }
    if (event.key in places) {
      chart.moveCursor(series.x[Math.min(Math.max(places[event.key], 0), series.length - 1)])
    } else if (event.key === "Enter") {
      chart.click(panel.spec.title, curve.trace.name, series.step[at])
    } else if (event.key === "Escape") {
      chart.cursorX === null ? chart.zoom(null) : chart.moveCursor(null)
    } else return
    event.preventDefault()
  }
  node.onblur = () => panel.chart.moveCursor(null)
}

// Two buttons, seen when the panel is pointed at or reached by keys: a picture of what is seen, and
// all points from the server.
export function addSaving(panel, header) {
  const saving = document.createElement("span")
  saving.className = "rft-saving"
  const picture = document.createElement("button")
  picture.type = "button"
  picture.textContent = "PNG"
  picture.title = `Save '${panel.spec.title}' as a picture`
  picture.onclick = () => savePicture(panel)
  const points = document.createElement("a")
  points.textContent = "CSV"
  points.title = `Save all points of '${panel.spec.title}'`
  points.href = "#"
  points.download = `${nameFile(panel.spec.title)}.csv`
  points.onclick = () => {
    points.href = `${panel.chart.wanted.url}?csv=${panel.chart.panels.indexOf(panel)}`
  }
  saving.append(picture, points)
  header.appendChild(saving)
}

const nameFile = title => title.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "chart"

function savePicture(panel) {
  if (panel.isFirst) return
  const { theme } = panel.chart
  const { data, layout, offsetWidth, offsetHeight } = panel.plot
  const title = { text: panel.spec.title, font: { size: 14, color: theme.text }, x: 0.02, y: 0.97 }
  const look = { paper_bgcolor: theme.background, title, margin: { ...layout.margin, t: 40 } }
  const size = { width: offsetWidth, height: offsetHeight + 30, scale: SCALE }
  const figure = { data, layout: { ...layout, ...look } }
  Plotly.downloadImage(figure, { format: "png", filename: nameFile(panel.spec.title), ...size })
}
