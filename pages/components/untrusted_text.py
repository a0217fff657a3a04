"""Text that a model or a file brought, as a page may show it: nothing in it stays unseen.

What is not seen is told by `rft_core/export/report/escaping.py`, for pages and reports alike.
"""

from __future__ import annotations

from rft_core.export.report.escaping import escape_text, spell_unseen

__all__ = ["safe_html", "spell_unseen"]


def safe_html(text: str) -> str:
    """Escaped, with nothing unseen, on one line: Streamlit dedents and strips the lines of HTML."""
    return escape_text(text).replace("\n", "&#10;")
