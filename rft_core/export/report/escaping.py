"""Text that a model or a person wrote, as HTML: escaped, and with nothing in it that stays unseen.

Characters that turn the reading direction, join, hide or take no room could make a text look other
than it is. They are spelled as ⟨U+202E⟩. Joiners between letters of scripts that need them, and
within an emoji, stay.
"""

from __future__ import annotations

import re
from html import escape

_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def spell_unseen(text: str) -> str:
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def escape_text(text: object) -> str:
    """For between tags and within quoted attributes. Line breaks stay."""
    return escape(spell_unseen(str(text)))
