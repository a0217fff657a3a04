// Streamlit's theme, as colours and fonts that plotly understands.

const COLORS = {
  blue: ["--st-blue-color", "#2f6fde"],
  orange: ["--st-orange-color", "#e8833a"],
  green: ["--st-green-color", "#2f9e6e"],
  violet: ["--st-violet-color", "#7a5af0"],
  red: ["--st-red-color", "#d9485f"],
  gray: ["--st-gray-color", "#8a8f98"],
}
const COLOR_OF_KIND = { train: "blue", validation: "orange", truth: "green", other: "gray" }

export function readTheme(root) {
  const style = getComputedStyle(root)
  const variable = (name, fallback) => {
    const value = style.getPropertyValue(name).trim()
    return value && value !== "unset" ? value : fallback
  }
  // The browser itself turns any CSS colour into numbers.
  const probe = document.createElement("span")
  root.appendChild(probe)
  const rgb = color => {
    probe.style.color = color
    return getComputedStyle(probe).color.match(/[\d.]+/g).slice(0, 3).map(Number)
  }
  const text = rgb(variable("--st-text-color", "#1f2430"))
  const background = rgb(variable("--st-background-color", "#ffffff"))
  const palette = {}
  for (const [name, [property, fallback]] of Object.entries(COLORS)) {
    palette[name] = `rgb(${rgb(variable(property, fallback)).join(",")})`
  }
  probe.remove()
  const ink = alpha => `rgba(${text.join(",")},${alpha})`
  return {
    palette,
    text: ink(1),
    muted: ink(0.62),
    grid: ink(0.08),
    line: ink(0.18),
    background: `rgb(${background.join(",")})`,
    font: variable("--st-font", "system-ui, sans-serif").replaceAll('"', ""),
  }
}

export const colorOf = (trace, theme) => theme.palette[trace.color ?? COLOR_OF_KIND[trace.kind]]

// The mark beside a curve's name: a ring where the curve is dashed.
export function paintDot(dot, trace, theme) {
  const color = colorOf(trace, theme)
  dot.style.background = trace.dashed ? "none" : color
  dot.style.boxShadow = trace.dashed ? `inset 0 0 0 2px ${color}` : "none"
}

export function axisStyle(theme) {
  return {
    gridcolor: theme.grid,
    gridwidth: 1,
    zeroline: false,
    linecolor: theme.line,
    tickfont: { size: 11.5, color: theme.muted, family: theme.font },
    ticks: "",
  }
}
