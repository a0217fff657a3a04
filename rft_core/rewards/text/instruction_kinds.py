"""The kinds of constraint whose keeping a program can check, after IFEval (arXiv 2311.07911).

Each check is a function of the completion and the constraint's own values, and says whether it is
kept. Words are whole words in any case: "cat" is not in "concatenate", and forbidding "cat" forbids
"CAT". The checks look at form alone; `language` goes by script and by frequent little words. No
pattern may try a long run of the same signs again from each of its places: nothing interrupts it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.rewards.completion_text import normalize, parse_strict_json, without_fence
from rft_core.rewards.text.format import INVISIBLE_LETTERS

_DATA = json.loads(Path(__file__).with_name("languages.json").read_text(encoding="utf-8"))
LITTLE_WORDS = {code: set(words.split()) for code, words in _DATA["little_words"].items()}
SCRIPTS: dict[str, str] = _DATA["scripts"]  # as Unicode's names of letters begin
LEAST_LITTLE_WORDS = 0.1  # of all words: running text in its own language has more than twice that

_PART = r"[^\W_]+(?:['’][^\W_]+)?"
_WORD = re.compile(f"{_PART}(?:-{_PART}){{0,3}}")  # longer chains are words glued together
_NO_END = re.compile(  # 1. First; J. Smith; the U.S. is; Dr. Smith
    r"^[^\S\n]*+\d{1,3}\.(?=\s)|\b[A-Z]\.(?=\s++[A-Z])"
    r"|(?<!\b[A-Za-z]\.)\b(?:[A-Za-z]\.){2,}+(?=\s++[a-z0-9])"
    r"|\b(?:e\.g|i\.e|etc|vs|Dr|Mr|Mrs|Ms|St|No|Prof)\.(?=\s)",
    re.MULTILINE,
)
_COMMA = re.compile("[,，、،‚﹐﹑︐︑､⸲⹁]")
_QUOTED = re.compile(r'"[^"]*"|“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»')
# Letters that look like Latin ones: a forbidden word stays forbidden when it is spelt with them.
_LOOKALIKES = str.maketrans(_DATA["lookalikes"])
_SENTENCE_END = re.compile(r"(?<![.!?。！？])[.!?。！？]++[\"'”’)\]]*+(?:\s|$)")

Check = Callable[[str, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class ConstraintKind:
    """A kind of constraint: its check, and the values that a constraint of this kind must have."""

    check: Check
    needs: tuple[str, ...] = ()


def words(text: str) -> list[str]:
    return _WORD.findall(text)


def count_word(text: str, word: str) -> int:
    """How often `word` (or phrase) is there as whole words, in any case and any kind of letters."""
    pattern = r"\s+".join(re.escape(part) for part in _fold(word).split())
    found = re.findall(rf"(?<![^\W_]){pattern}(?![^\W_])", _fold(text)) if pattern else []
    return len(found)


def _fold(text: str) -> str:
    return normalize("NFKC", text).casefold().translate(_LOOKALIKES)


def as_read(text: str) -> str:
    """The text without what nobody can see: a word must not hide behind it, nor be made of it."""
    if text.isascii():
        return text
    seen = (sign for sign in text if not _is_invisible(sign))
    return normalize("NFC", "".join(seen))


def _is_invisible(sign: str) -> bool:
    is_filler = sign in INVISIBLE_LETTERS or sign == "\u034f" or "\ufe00" <= sign <= "\ufe0f"
    return is_filler or unicodedata.category(sign) == "Cf"


def compare(count: int, constraint: Mapping[str, Any]) -> bool:
    """`minimum`, `maximum` and `exactly`, as many as the constraint has."""
    low, high = constraint.get("minimum", count), constraint.get("maximum", count)
    return bool(low <= count <= high and count == constraint.get("exactly", count))


def paragraphs(text: str) -> list[str]:
    """Apart by blank lines, or by a line of three stars with or without blank lines around it."""
    return [
        part for part in re.split(r"\n\s*\*{3}\s*\n|\n\s*\n", text.strip()) if _WORD.search(part)
    ]


def sentences(text: str) -> int:
    """Stretches of words up to a sentence's end; 3.5, initials and "e.g. " are traps."""
    text = _NO_END.sub("", text.strip())
    return sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text))


def in_language(text: str, language: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    if not letters:
        return False
    if language in SCRIPTS:
        own = sum(_is_in(letter, language) for letter in letters)
        return own > 0.5 * len(letters)
    found = Counter(re.findall(r"[^\W\d_]+", text.casefold()))
    shares = {
        code: sum(found[word] for word in little) / found.total()
        for code, little in LITTLE_WORDS.items()
    }
    return shares[language] >= LEAST_LITTLE_WORDS and shares[language] == max(shares.values())


def _is_in(letter: str, language: str) -> bool:
    name = unicodedata.name(letter, "")
    japanese = ("HIRAGANA", "KATAKANA", "CJK")
    return name.startswith(japanese if language == "ja" else SCRIPTS[language])


def _is_json(text: str) -> bool:
    try:
        value = parse_strict_json(without_fence(text.strip()))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list)


def _has_title(text: str) -> bool:
    first = text.strip().split("\n", 1)[0].strip("#* \t\r")
    title = first.removeprefix("<<").removesuffix(">>")
    return first == f"<<{title}>>" and not set("<>") & set(title) and bool(_WORD.search(title))


def _has_postscript(text: str, marker: str) -> bool:
    """A line of the last paragraph begins with the marker, and something is said."""
    last = paragraphs(text)[-1:] or [""]
    _, found, said = f"\n{last[0]}".rpartition(f"\n{marker}")
    return bool(found) and bool(_WORD.search(said))


def _sections(text: str, word: str) -> int:
    """Lines "Section 1", "Section 2" … in order, each with text of its own below it."""
    pattern = rf"^[ \t#*]*{re.escape(word)}[ \t]+(\d+)\b[^\n]*$"
    heads = list(re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for place, (head, end) in enumerate(zip(heads, ends, strict=False), start=1):
        if head[1] != str(place) or not _WORD.search(text[head.end() : end]):
            return 0
    return len(heads)


def _has_all(text: str, wanted: Sequence[str]) -> bool:
    return all(count_word(text, word) for word in wanted)


def _cased(text: str) -> list[str]:
    return [letter for letter in text if letter.upper() != letter.lower()]


def _items(text: str, pattern: str) -> int:
    """Distinct items with words in them: the same line fifty times is one item."""
    found = (item.strip().casefold() for item in re.findall(pattern, text, re.MULTILINE))
    return len({item for item in found if _WORD.search(item)})


KINDS: dict[str, ConstraintKind] = {
    "keywords": ConstraintKind(lambda t, c: _has_all(t, c["words"]), ("words",)),
    "forbidden_words": ConstraintKind(
        lambda t, c: not any(count_word(t, w) for w in c["words"]), ("words",)
    ),
    "keyword_count": ConstraintKind(lambda t, c: compare(count_word(t, c["word"]), c), ("word",)),
    "letter_count": ConstraintKind(
        lambda t, c: compare(t.casefold().count(c["letter"].casefold()), c), ("letter",)
    ),
    "word_count": ConstraintKind(lambda t, c: compare(len(words(t)), c)),
    "sentence_count": ConstraintKind(lambda t, c: compare(sentences(t), c)),
    "paragraph_count": ConstraintKind(lambda t, c: compare(len(paragraphs(t)), c)),
    "character_count": ConstraintKind(lambda t, c: compare(len(t.strip()), c)),
    "bullet_count": ConstraintKind(
        lambda t, c: compare(_items(t, r"^[^\S\n]*+[-*+•–][ \t]++(\S.*)$"), c)
    ),
    "highlight_count": ConstraintKind(
        lambda t, c: compare(_items(t, r"(?<!\*)\*{1,2}([^*\n]+)\*"), c)
    ),
    "placeholder_count": ConstraintKind(lambda t, c: compare(_items(t, r"\[([^\[\]\n]+)\]"), c)),
    "section_count": ConstraintKind(
        lambda t, c: compare(_sections(t, c.get("word", "Section")), c)
    ),
    "capital_word_count": ConstraintKind(
        lambda t, c: compare(sum(w.isupper() and len(w) > 1 for w in words(t)), c)
    ),
    "first_word": ConstraintKind(
        lambda t, c: [w.casefold() for w in words(t)[:1]] == [c["word"].casefold()], ("word",)
    ),
    "starts_with": ConstraintKind(lambda t, c: t.strip().startswith(c["text"]), ("text",)),
    "ends_with": ConstraintKind(lambda t, c: t.strip().endswith(c["text"]), ("text",)),
    "quoted": ConstraintKind(lambda t, c: bool(_QUOTED.fullmatch(t.strip()) and _WORD.search(t))),
    "no_commas": ConstraintKind(lambda t, c: not _COMMA.search(t)),
    "lowercase": ConstraintKind(
        lambda t, c: bool(_cased(t)) and all(x == x.lower() for x in _cased(t))
    ),
    "uppercase": ConstraintKind(
        lambda t, c: bool(_cased(t)) and all(x == x.upper() for x in _cased(t))
    ),
    "json": ConstraintKind(lambda t, c: _is_json(t)),
    "title": ConstraintKind(lambda t, c: _has_title(t)),
    "postscript": ConstraintKind(lambda t, c: _has_postscript(t, c.get("marker", "P.S."))),
    "language": ConstraintKind(lambda t, c: in_language(t, c["language"]), ("language",)),
}
COUNTED = {name for name in KINDS if name.endswith("_count")}
