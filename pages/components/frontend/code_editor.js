// A code editor (CodeMirror 6) for Streamlit. This is the source: the dashboard serves
// code_editor.bundle.js, built from it by `npm ci && npm run build` in this folder.
//
// Text goes to Python as the state `draft`, {seed, text}, a moment after the last key; `seed`
// names the text that Python gave, so that a draft of another document is never mistaken for
// this one's. Ctrl/Cmd+Enter sends the trigger `run` with the text as it stands.

import { indentWithTab } from "@codemirror/commands"
import { python } from "@codemirror/lang-python"
import { HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language"
import { lintGutter, setDiagnostics } from "@codemirror/lint"
import { Compartment, EditorState, Prec } from "@codemirror/state"
import { EditorView, keymap } from "@codemirror/view"
import { tags } from "@lezer/highlight"
import { basicSetup } from "codemirror"

const DEBOUNCE_MS = 400
const LANGUAGES = { python, text: () => [] }

// Streamlit's own variables, so both themes and every change of theme come for free.
const look = EditorView.theme({
  "&": {
    height: "100%",
    fontSize: "13.5px",
    color: "var(--st-text-color)",
    backgroundColor: "var(--st-background-color)",
    border: "1px solid var(--st-border-color)",
    borderRadius: "var(--st-base-radius)",
    overflow: "hidden",
  },
  "&.cm-focused": { outline: "none", borderColor: "var(--st-primary-color)" },
  ".cm-scroller": { fontFamily: "var(--st-code-font)", lineHeight: "1.6" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--st-text-color)" },
  ".cm-line": { padding: "0 14px 0 8px" },
  ".cm-cursor": { borderLeftColor: "var(--st-text-color)" },
  ".cm-gutters": {
    color: "color-mix(in srgb, var(--st-text-color) 45%, transparent)",
    backgroundColor: "var(--st-background-color)",
    border: "none",
    paddingLeft: "4px",
  },
  ".cm-activeLine, .cm-activeLineGutter": {
    backgroundColor: "color-mix(in srgb, var(--st-text-color) 4%, transparent)",
  },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    { backgroundColor: "color-mix(in srgb, var(--st-primary-color) 26%, transparent)" },
  ".cm-selectionMatch": {
    backgroundColor: "color-mix(in srgb, var(--st-primary-color) 14%, transparent)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "color-mix(in srgb, var(--st-green-color) 25%, transparent)",
  },
  ".cm-foldPlaceholder": {
    color: "inherit",
    backgroundColor: "var(--st-secondary-background-color)",
    border: "none",
  },
  ".cm-tooltip, .cm-panels": {
    color: "var(--st-text-color)",
    backgroundColor: "var(--st-secondary-background-color)",
    border: "1px solid var(--st-border-color)",
    borderRadius: "var(--st-base-radius)",
    fontFamily: "var(--st-font)",
  },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    color: "var(--st-background-color)",
    backgroundColor: "var(--st-primary-color)",
  },
  ".cm-textfield, .cm-button": {
    color: "inherit",
    background: "var(--st-background-color)",
    border: "1px solid var(--st-border-color)",
  },
  ".cm-lint-marker": {
    content: "normal",
    width: "8px",
    height: "8px",
    margin: "4px 0 0 3px",
    borderRadius: "50%",
  },
  ".cm-lint-marker-error": { backgroundColor: "var(--st-red-color)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--st-orange-color)" },
  ".cm-lint-marker-info": { backgroundColor: "var(--st-blue-color)" },
  ".cm-diagnostic": { padding: "6px 12px", fontSize: "13px" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--st-red-color)" },
  ".cm-diagnostic-warning": { borderLeft: "3px solid var(--st-orange-color)" },
  ".cm-diagnostic-info": { borderLeft: "3px solid var(--st-blue-color)" },
  ".cm-lintRange": {
    backgroundImage: "none",
    textDecoration: "underline wavy 1.2px",
    textUnderlineOffset: "4px",
  },
  ".cm-lintRange-error": { textDecorationColor: "var(--st-red-color)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--st-orange-color)" },
  ".cm-lintRange-info": { textDecorationColor: "var(--st-blue-color)" },
})

const highlight = HighlightStyle.define([
  { tag: [tags.comment, tags.docComment], class: "rft-comment" },
  { tag: [tags.keyword, tags.operatorKeyword, tags.self, tags.modifier], class: "rft-keyword" },
  { tag: [tags.string, tags.special(tags.string)], class: "rft-string" },
  { tag: [tags.number, tags.bool, tags.null], class: "rft-constant" },
  { tag: [tags.function(tags.definition(tags.variableName)), tags.className], class: "rft-name" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName)], class: "rft-call" },
  { tag: tags.meta, class: "rft-call" },
])
const syntax = EditorView.theme({
  ".rft-comment": {
    color: "color-mix(in srgb, var(--st-text-color) 52%, transparent)",
    fontStyle: "italic",
  },
  ".rft-keyword": { color: "var(--st-violet-text-color)" },
  ".rft-string": { color: "var(--st-green-text-color)" },
  ".rft-constant": { color: "var(--st-orange-text-color)" },
  ".rft-name": { color: "var(--st-blue-text-color)", fontWeight: "600" },
  ".rft-call": { color: "var(--st-blue-text-color)" },
})

class Editor {
  constructor(parent, data) {
    this.root = parent.appendChild(document.createElement("div"))
    this.language = new Compartment()
    this.labels = new Compartment()
    // Streamlit's one-letter shortcuts (r reruns the page) must not hear what is typed here.
    this.root.addEventListener("keydown", event => event.stopPropagation())
    this.view = new EditorView({ parent: this.root, root: this.root.getRootNode() })
    this.open(data)
  }

  // A new document: its undo history starts here.
  open(data) {
    clearTimeout(this.timer)
    Object.assign(this, { seed: data.seed, saved: data.text, marked: null })
    this.view.setState(EditorState.create({
      doc: data.text,
      extensions: [
        Prec.highest(keymap.of([{ key: "Mod-Enter", run: () => this.run() }])),
        basicSetup,
        keymap.of([indentWithTab]),
        EditorState.tabSize.of(4),
        indentUnit.of("    "),
        lintGutter(),
        look,
        syntax,
        syntaxHighlighting(highlight),
        this.language.of([]),
        this.labels.of([]),
        EditorView.updateListener.of(update => update.docChanged && this.saveSoon()),
        EditorView.domEventHandlers({ blur: () => this.save() }),
      ],
    }))
  }

  apply({ data, setStateValue, setTriggerValue }) {
    Object.assign(this, { setStateValue, setTriggerValue })
    if (data.seed !== this.seed) this.open(data)
    this.root.style.height = `${data.height}px`
    this.view.dispatch({
      effects: [
        this.language.reconfigure(LANGUAGES[data.language]()),
        this.labels.reconfigure(EditorView.contentAttributes.of({ "aria-label": data.label })),
      ],
    })
    this.mark(data.markers)
  }

  // Marks are set once: afterwards they move with the text while the user edits.
  mark(markers) {
    const wanted = JSON.stringify(markers)
    if (wanted === this.marked) return
    this.marked = wanted
    const { doc } = this.view.state
    const diagnostics = markers.map(({ line, message, severity }) => {
      const { from, to, text } = doc.line(Math.min(Math.max(line, 1), doc.lines))
      const indent = text.length - text.trimStart().length
      return { from: from + (indent < text.length ? indent : 0), to, message, severity }
    })
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics))
  }

  get text() {
    return this.view.state.doc.toString()
  }

  saveSoon() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.save(), DEBOUNCE_MS)
  }

  save() {
    clearTimeout(this.timer)
    if (this.text === this.saved) return
    this.saved = this.text
    this.setStateValue("draft", { seed: this.seed, text: this.text })
  }

  run() {
    this.save()
    this.setTriggerValue("run", { seed: this.seed, text: this.text })
    return true
  }

  destroy() {
    clearTimeout(this.timer)
    this.view.destroy()
    this.root.remove()
  }
}

const editors = new WeakMap()

export function render(component) {
  const { parentElement, data } = component
  const editor = editors.get(parentElement) ?? new Editor(parentElement, data)
  editors.set(parentElement, editor)
  editor.apply(component)
  // Streamlit also calls this when a newer call overtook this one: only leave with the page.
  return () =>
    setTimeout(() => {
      if (parentElement.isConnected) return
      editor.destroy()
      editors.delete(parentElement)
    })
}
