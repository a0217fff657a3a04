// The points of one curve: decoded from messages, joined by absolute position, smoothed.
// Knows nothing of plotly or the DOM.

const decode = (text, Type) =>
  Array.from(new Type(Uint8Array.from(atob(text), c => c.charCodeAt(0)).buffer))

export class Series {
  constructor() {
    this.clear()
  }

  clear() {
    this.count = 0 // points of the run, of which a thinned curve holds fewer
    this.x = []
    this.y = []
    this.step = []
    this.index = [] // absolute position of each point held
  }

  get length() {
    return this.x.length
  }

  // Append what is new in a chunk. False means that points before it are missing.
  append(chunk) {
    if (chunk.from > this.count) return false
    if (chunk.to <= this.count) return true
    const skip = this.count - chunk.from
    const x = decode(chunk.x, Float64Array)
    const y = decode(chunk.y, Float32Array)
    const step = chunk.step ? decode(chunk.step, Float64Array) : x
    const index = chunk.index ? decode(chunk.index, Float64Array) : x.map((_, i) => chunk.from + i)
    for (let i = skip; i < x.length; i++) {
      this.x.push(x[i])
      this.y.push(Number.isFinite(y[i]) ? y[i] : null)
      this.step.push(step[i])
      this.index.push(index[i])
    }
    this.count = chunk.to
    return true
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

// Exponential moving average, corrected for its start (as Adam corrects its moments), so that the
// first value is the first point and not a pull towards zero. A thinned curve decays by the
// distance between its points. `extend` continues where the last call ended.
export class Smoother {
  constructor(weight) {
    this.weight = weight
    this.mean = 0
    this.mass = 0
    this.at = null
    this.done = 0
    this.values = []
  }

  extend(series) {
    const from = this.done
    for (let i = from; i < series.length; i++) {
      const y = series.y[i]
      if (y === null) {
        this.values.push(null)
        continue
      }
      const decay = this.at === null ? this.weight : this.weight ** (series.index[i] - this.at)
      this.mean = decay * this.mean + (1 - decay) * y
      this.mass = decay * this.mass + (1 - decay)
      this.at = series.index[i]
      this.values.push(this.mass > 0 ? this.mean / this.mass : y)
    }
    this.done = series.length
    return this.values.slice(from)
  }
}
