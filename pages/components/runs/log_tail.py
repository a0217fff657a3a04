"""The end of a log file, read without reading the rest of it, and shown as it is."""

import re
from pathlib import Path

from pages.components.untrusted_text import safe_html

MAX_BYTES = 64_000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def read_log_tail(path: Path, lines: int = 200) -> str:
    """The last lines (of the last 64 kB), '' when there is no file yet.

    Colours are taken out, and of a progress bar that redrew its line only the last state is kept.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - MAX_BYTES))
            data = file.read()
    except FileNotFoundError:
        return ""
    text = _ANSI.sub("", data.decode("utf-8", errors="replace"))
    shown = [line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n")]
    return "\n".join(shown[-lines - 1 :]).strip("\n")


def log_html(text: str) -> str:
    """Not `st.code`: that loads a highlighter of all languages before the page's charts."""
    return f'<pre class="run-log">{safe_html(text)}</pre>'
