// The points of one curve, and the message that brings them (see chart_message.py).
// Knows nothing of plotly or the DOM.

export class Series {
  constructor() {
    this.clear()
  }

  clear() {
    this.banded = false // its points are the edges of a band around `smooth`
    this.count = 0 // points of the run, of which a thinned curve holds fewer
    this.x = []
    this.y = [] // as measured; null where nothing was
    this.smooth = [] // the moving average, or y
    this.step = []
  }

  get length() {
    return this.x.length
  }

  // Position of the measured point nearest to x, or -1.
  nearest(x) {
    let low = 0
    let high = this.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.x[middle] < x) low = middle + 1
      else high = middle
    }
    let best = -1
    for (let i = Math.max(0, low - 1); i <= Math.min(this.length - 1, low + 1); i++) {
      if (this.y[i] === null) continue
      if (best < 0 || Math.abs(this.x[i] - x) < Math.abs(this.x[best] - x)) best = i
    }
    return best
  }

  last() {
    let i = this.length - 1
    while (i >= 0 && this.y[i] === null) i--
    return i
  }
}

// The header of a message, each of its curves with the points that follow it.
export function decode(buffer, axis) {
  const size = new DataView(buffer).getUint32(0, true)
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)))
  let at = 4 + size
  const take = (Type, points) =>
    Array.from(new Type(buffer.slice(at, (at += points * Type.BYTES_PER_ELEMENT))))
  const values = points => take(Float32Array, points).map(y => (Number.isFinite(y) ? y : null))
  for (const curve of header.curves) {
    curve.step = take(Int32Array, curve.points)
    curve.x = axis === "step" ? curve.step : take(Float64Array, curve.points)
    curve.y = values(curve.points)
    curve.smooth = curve.smoothed ? values(curve.points) : curve.y
  }
  return header
}

export function append(series, curve) {
  for (const name of ["x", "y", "smooth", "step"]) series[name].push(...curve[name])
  series.count = curve.to
  series.banded = curve.banded
}

// The shape from a long curve's lowest to its highest points, with its gaps. Two neighbours among
// the points that are held are the extremes of one stretch (see thinning.py).
export function bandOf({ x, y }) {
  const band = { x: [], y: [] }
  let stretch = []
  const close = () => {
    if (!stretch.length) return
    const back = stretch.toReversed()
    band.x.push(...stretch.map(part => part.x), ...back.map(part => part.x), null)
    band.y.push(...stretch.map(part => part.high), ...back.map(part => part.low), null)
    stretch = []
  }
  for (let i = 0; i < x.length; i++) {
    if (y[i] === null) {
      close()
      continue
    }
    const beside = i + 1 < x.length && y[i + 1] !== null ? y[i + 1] : y[i]
    stretch.push({ x: x[i], low: Math.min(y[i], beside), high: Math.max(y[i], beside) })
  }
  close()
  return band
}
