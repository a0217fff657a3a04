// Asks every few seconds whether what the page shows has changed, and tells Streamlit only then.
// A hidden tab does not ask; once it is looked at again, it asks at once.

const LEAVING = 10_000 // milliseconds for which a clicked link is given its way

class Pulse {
  constructor() {
    this.asking = false
    this.leftAt = -LEAVING
    this.look = () => this.ask()
    this.leave = ({ target }) => {
      if (target.closest?.("a[href]")) this.leftAt = performance.now()
    }
    document.addEventListener("visibilitychange", this.look)
    document.addEventListener("click", this.leave, true)
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

  // Of two requests that wait, Streamlit keeps the page of the later one: a redraw of this page
  // that follows a click on a link, or a script that is about to switch pages, would take it back.
  mayDraw() {
    const app = document.querySelector("[data-testid=stApp]")
    const isStill = !app || app.dataset.testScriptState === "notRunning"
    return isStill && performance.now() - this.leftAt >= LEAVING
  }

  async ask() {
    if (document.hidden || this.asking || !this.mayDraw()) return
    this.asking = true
    try {
      const { url, run } = this.data
      const answer = await fetch(`${url}?run=${encodeURIComponent(run)}`, { cache: "no-store" })
      const { revision } = answer.ok ? await answer.json() : {}
      if (!revision || revision === this.seen || this.data.run !== run) return
      if (!this.mayDraw()) return // it is asked for again at the next tick
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
    document.removeEventListener("click", this.leave, true)
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
