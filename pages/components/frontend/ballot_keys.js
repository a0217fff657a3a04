// Types a ballot: hears single keys anywhere on the page, and tells Streamlit all of them, in order.
// Streamlit may run once for two keys pressed quickly, and would then know two buttons but not which
// came first: a wrong ranking that nobody sees. Told as one growing text, nothing can be swapped.

const TYPING = "input, textarea, select, [contenteditable], [role=combobox], [role=slider]"

class Keys {
  constructor() {
    this.typed = ""
    this.source = crypto.randomUUID?.() ?? String(Math.random()) // a page visited again begins anew
    this.press = (event) => this.hear(event)
    document.addEventListener("keydown", this.press)
  }

  set(data, send) {
    if (data.item !== this.data?.item) this.typed = ""
    this.data = data
    this.send = send
  }

  hear(event) {
    const key = event.key.toLowerCase()
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return
    if (!this.data.keys.includes(key) || key.length !== 1) return
    if (event.composedPath().some((place) => place.matches?.(TYPING))) return
    event.preventDefault()
    event.stopPropagation()
    this.typed += key
    this.send("typed", { item: this.data.item, source: this.source, keys: this.typed })
  }

  end() {
    document.removeEventListener("keydown", this.press)
  }
}

const heard = new WeakMap()

export function render({ parentElement, data, setStateValue }) {
  const keys = heard.get(parentElement) ?? new Keys()
  heard.set(parentElement, keys)
  keys.set(data, setStateValue)
  const { dataset } = parentElement.host ?? parentElement // a shadow root has none
  dataset.ballot = data.item // from now on its keys are heard
  // Streamlit also calls this when a newer call overtook this one: only leave with the page.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      keys.end()
      heard.delete(parentElement)
    })
}
