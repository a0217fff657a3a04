// Asks every few seconds whether what the page shows has changed, and tells Streamlit only then.
// A hidden tab does not ask; once it is looked at again, it asks at once.

class Pulse {
  constructor() {
    this.asking = false
    this.look = () => this.ask()
    document.addEventListener("visibilitychange", this.look)
  }

  set(data, send) {
    const isOther = data.url !== this.data?.url || data.run !== this.data?.run
    const isNewer = data.revision !== this.data?.revision // Streamlit has drawn the page anew
    if (isOther || isNewer) this.seen = data.revision
    this.data = data
    this.send = send
    clearInterval(this.timer)
    this.timer = setInterval(this.look, data.every * 1000)
  }

  async ask() {
    if (document.hidden || this.asking) return
    this.asking = true
    try {
      const { url, run } = this.data
      const answer = await fetch(`${url}?run=${encodeURIComponent(run)}`, { cache: "no-store" })
      const { revision } = answer.ok ? await answer.json() : {}
      if (!revision || revision === this.seen || this.data.run !== run) return
      this.seen = revision
      this.send("changed", revision)
    } catch {
      // the server is away: Streamlit says so, and goes on by itself
    } finally {
      this.asking = false
    }
  }

  end() {
    clearInterval(this.timer)
    document.removeEventListener("visibilitychange", this.look)
  }
}

const pulses = new WeakMap()

export function render({ parentElement, data, setTriggerValue }) {
  const pulse = pulses.get(parentElement) ?? new Pulse()
  pulses.set(parentElement, pulse)
  pulse.set(data, setTriggerValue)
  // Streamlit also calls this when a newer call overtook this one: only leave with the page.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      pulse.end()
      pulses.delete(parentElement)
    })
}
