"""A code editor (CodeMirror 6) that works offline and follows the theme.

The editor is `frontend/code_editor.js`, served as a bundle that is committed; rebuild it with
`npm ci && npm run build` in `pages/components/frontend`. Nothing here runs the code.

With `RFT_PLAIN_EDITOR=1` in the environment a plain text area and a button stand in for it,
which Streamlit's AppTest (it runs no JavaScript) can drive.
"""

import ast
import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import streamlit as st

from pages.components.static_routes import component_shim

# Not isolated in a shadow root: Streamlit's one-letter shortcuts would take typing for theirs.
_mount = st.components.v2.component(
    "rft_code_editor", js=component_shim("code_editor.bundle.js"), isolate_styles=False
)


@dataclass(frozen=True)
class Marker:
    """A remark on a line, counted from 1: underlined, and shown in the gutter."""

    line: int
    message: str
    severity: Literal["error", "warning", "info"] = "error"


@dataclass(frozen=True)
class EditorResult:
    """The text as it stands, and whether the user just pressed Ctrl/Cmd+Enter."""

    text: str
    run_requested: bool


def code_editor(
    key: str,
    value: str,
    *,
    label: str,
    language: Literal["python", "text"] = "python",
    markers: Sequence[Marker] | Callable[[str], Sequence[Marker]] = (),
    height: int = 360,
) -> EditorResult:
    """Edit `value`; a `value` other than last time's replaces what the user typed.

    What was typed is kept for the session, also when the user visits another page. Where Python
    cannot parse the text is marked, beside the `markers` given, or made from the current text.
    `label` is read out by screen readers. `key` must be unique on the page.
    """
    seed = _seed_of(value)
    if os.environ.get("RFT_PLAIN_EDITOR") == "1":
        return _plain_editor(key, value, seed, label, height)
    draft_key = f"{key}_draft"

    # A callback runs even if the editor is gone from the page that this rerun draws.
    def keep_draft() -> None:
        st.session_state[draft_key] = st.session_state[key]["draft"]

    text = current_text(key, value)
    markers = list(markers(text) if callable(markers) else markers)
    if language == "python":
        markers = [*_syntax_markers(text), *markers]
    result = _mount(
        key=key,
        data={
            "seed": seed,
            "text": text,
            "label": label,
            "language": language,
            "markers": [asdict(marker) for marker in markers],
            "height": height,
        },
        on_draft_change=keep_draft,
        on_run_change=lambda: None,
    )
    run = _text_of(result.run, seed)
    return EditorResult(text if run is None else run, run_requested=run is not None)


def current_text(key: str, value: str) -> str:
    """What the editor of this key and value will show, before it is drawn."""
    seed = _seed_of(value)
    if os.environ.get("RFT_PLAIN_EDITOR") == "1":
        return str(st.session_state.get(f"{key}_plain_{seed}", value))
    draft = _text_of(st.session_state.get(f"{key}_draft"), seed)
    return value if draft is None else draft


def _seed_of(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()[:16]


def _text_of(draft: dict[str, str] | None, seed: str) -> str | None:
    """What was typed, unless it belongs to another document than the one `seed` names."""
    return draft["text"] if draft and draft["seed"] == seed else None


def _syntax_markers(source: str) -> list[Marker]:
    """Where Python's parser stops, if it does. Nothing is executed."""
    try:
        ast.parse(source)
    except SyntaxError as error:
        return [Marker(error.lineno or 1, error.msg)]
    except ValueError as error:  # a NUL in the source
        return [Marker(1, str(error))]
    return []


def _plain_editor(key: str, value: str, seed: str, label: str, height: int) -> EditorResult:
    text = st.text_area(label, value, key=f"{key}_plain_{seed}", height=height)
    run = st.button("Run", key=f"{key}_run")
    return EditorResult(text, run_requested=run)
