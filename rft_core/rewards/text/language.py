"""Whether a text is in a language, by lingua's n-grams. Kannada and Malayalam go by their script.

The models of all languages that share the text's script are loaded at its first use: seconds, and
half a gigabyte for Latin letters. Lingua's small models need neither, and take a French sentence of
four words for Finnish. Source: https://github.com/pemistahl/lingua-rs
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

BY_SCRIPT = {"kn": "KANNADA", "ml": "MALAYALAM"}  # as Unicode's names of letters begin
BY_WORDS = (
    "ar", "bg", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "gu", "he", "hi", "hu",
    "id", "it", "ja", "ko", "mr", "nl", "pa", "pl", "pt", "ro", "ru", "sv", "sw", "ta", "te", "th",
    "tr", "uk", "ur", "vi", "zh",
)  # fmt: skip
LANGUAGES = (*BY_WORDS, *BY_SCRIPT)  # ISO 639-1
LONGEST_LOOK = 4_000  # signs of a text: what comes later changes no verdict


def is_in_language(text: str, language: str) -> bool:
    """Whether most of the text is in one of `LANGUAGES`; never of a text without letters."""
    letters = [sign for sign in text[:LONGEST_LOOK] if sign.isalpha()]
    if not letters:
        return False
    if language in BY_SCRIPT:
        own = sum(unicodedata.name(sign, "").startswith(BY_SCRIPT[language]) for sign in letters)
        return own > 0.5 * len(letters)
    found = _get_detector().detect_language_of(text[:LONGEST_LOOK])
    return found is not None and found.iso_code_639_1.name.lower() == language


@cache
def _get_detector() -> Any:
    from lingua import Language, LanguageDetectorBuilder

    known = [one for one in Language.all() if one.iso_code_639_1.name.lower() in BY_WORDS]
    return LanguageDetectorBuilder.from_languages(*known).build()
