"""Unicode normal forms in linear time, whatever a completion holds.

Normalizing sorts every run of combining marks, and a run of 100,000 takes many seconds that nothing
can interrupt. Text that people read has a few on a letter: what goes beyond 30 is left out, the
bound of Unicode's own Stream-Safe Text Format (UAX #15, section 13).
"""

from __future__ import annotations

import unicodedata
from typing import Literal

MOST_MARKS = 30


def normalize(form: Literal["NFC", "NFKC"], text: str) -> str:
    if text.isascii():
        return text
    kept, run = [], 0
    for sign in text:
        run = run + 1 if unicodedata.combining(sign) else 0
        if run <= MOST_MARKS:
            kept.append(sign)
    return unicodedata.normalize(form, "".join(kept))
