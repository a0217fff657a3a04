"""The kinds of constraint whose keeping a program can check, after IFEval (arXiv 2311.07911).

Each check is a function of the completion and the constraint's own values, and says whether it is
kept. Words are whole words in any case: "cat" is not in "concatenate", and forbidding "cat" forbids
"CAT". The checks look at form alone, but for `language`. A few constraints have a value by which
they are judged as IFEval's own checker does: `any_case`, `anywhere`, `edges_only`, `separator`. No
pattern may try a long run of the same signs again from each of its places: nothing interrupts it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.completion_text import normalize, parse_strict_json, without_fence
from rft_core.rewards.text.format import INVISIBLE_LETTERS
from rft_core.rewards.text.language import is_in_language

_PART = r"[^\W_]+(?:['’][^\W_]+)?"
_WORD = re.compile(f"{_PART}(?:-{_PART}){{0,3}}")  # longer chains are words glued together
_NO_END = re.compile(  # 1. First; J. Smith; the U.S. is; Dr. Smith
    r"^[^\S\n]*+\d{1,3}\.(?=\s)|\b[A-Z]\.(?=\s++[A-Z])"
    r"|(?<!\b[A-Za-z]\.)\b(?:[A-Za-z]\.){2,}+(?=\s++[a-z0-9])"
    r"|\b(?:e\.g|i\.e|etc|vs|Dr|Mr|Mrs|Ms|St|No|Prof)\.(?=\s)",
    re.MULTILINE,
)
# Han, kana, Thai, Lao, Burmese and Khmer write no spaces; Hangul puts endings on its words.
_UNSPACED_LETTERS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"
_UNSPACED = re.compile(f"[{_UNSPACED_LETTERS}]")
_HANGUL = re.compile("[\uac00-\ud7af]")
_UNSPACED_SIGN = re.compile(
    r"[\u3400-\u9fff]|[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff]+"
)
_COMMA = re.compile("[,，、،‚﹐﹑︐︑､⸲⹁]")
_QUOTED = re.compile(r"“[^“”]*”|„[^„“”]*[“”]|«[^«»]*»|「[^「」]*」")
_QUOTE = re.compile(r'(?P<opens>(?<![^\s(\[])"(?=\S))|"')
# Letters that look like Latin ones: a forbidden word stays forbidden when it is spelt with them.
_LOOKALIKES = str.maketrans(
    "\u0430\u0441\u0435\u043e\u0440\u0445\u0443\u0456\u0455\u0458\u03b1\u03bf\u03c1\u03bd",
    "aceopxyisjaopv",
)
_SENTENCE_END = re.compile(
    r"(?<![.!?。！？।؟۔։።፧])(?:[.!?؟।۔։።፧]++[\"'”’)\]*]*+(?:\s|$)|[。！？]++[\"'”’)\]」』]*+)"
)

Check = Callable[[str, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class ConstraintKind:
    """A kind of constraint: its check, and the values that a constraint of this kind must have."""

    check: Check
    needs: tuple[str, ...] = ()


def words(text: str) -> list[str]:
    """Each Han sign is a word, and so is a run of another script that writes no spaces."""
    return _WORD.findall(_UNSPACED_SIGN.sub(r" \g<0> ", text))


def count_word(text: str, word: str) -> int:
    """How often `word` (or phrase) is there as whole words, in any case and any kind of letters.

    Where words stand without spaces between them, or take endings on, no edge is asked for.
    """
    pattern = r"\s+".join(re.escape(part) for part in _fold(word).split())
    if not pattern:
        return 0
    before = "" if _UNSPACED.match(word) else r"(?<![^\W_])"
    after = "" if _UNSPACED.match(word[-1]) or _HANGUL.match(word[-1]) else r"(?![^\W_])"
    return len(re.findall(f"{before}{pattern}{after}", _fold(text)))


def _fold(text: str) -> str:
    return normalize("NFKC", text).replace("’", "'").casefold().translate(_LOOKALIKES)


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


def paragraphs(text: str, separator: str = "") -> list[str]:
    """Apart by the separator alone; without one by blank lines, or lines of three stars."""
    apart = re.escape(separator) if separator else r"\n\s*\*{3}\s*\n|\n\s*\n"
    return [part for part in re.split(apart, text.strip()) if _WORD.search(part)]


def sentences(text: str) -> int:
    """Stretches of words up to a sentence's end; 3.5, initials and "e.g. " are traps."""
    text = _NO_END.sub("", text.strip())
    return sum(bool(_WORD.search(part)) for part in _SENTENCE_END.split(text))


def _is_json(text: str) -> bool:
    try:
        value = parse_strict_json(without_fence(text.strip()))
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict | list)


def _is_quoted(text: str, edges_only: bool) -> bool:
    """One quotation from the first sign to the last, which may hold others; or only these two."""
    if edges_only:
        return text[:1] == text[-1:] == '"' and bool(_WORD.search(text))
    if not _WORD.search(text) or not text.startswith('"'):
        return bool(_WORD.search(text) and _QUOTED.fullmatch(text))
    depth, ends = 0, 0
    for quote in _QUOTE.finditer(text):
        depth += 1 if quote["opens"] else -1
        if depth <= 0:
            ends = quote.end()
            break
    return ends == len(text)


def _has_title(text: str, is_anywhere: bool) -> bool:
    """A line <<Something>>, behind marks of Markdown at most; or anywhere in one."""
    line = r"<<([^\n<>]+)>>" if is_anywhere else r"^[#* \t]*+<<([^\n<>]+)>>[#* \t\r]*+$"
    return any(_WORD.search(title) for title in re.findall(line, text, re.MULTILINE))


def _has_postscript(text: str, marker: str) -> bool:
    """The marker in any case, behind marks of Markdown at most, and something said behind it."""
    letters = r"\s?".join(re.escape(sign) for sign in marker.replace(" ", ""))
    found = re.findall(rf"(?<![^\W_]){letters}[*_]*+([^\n]*(?:\n[^\n]+)?)", text, re.IGNORECASE)
    return any(_WORD.search(said) for said in found)


def _sections(text: str, word: str) -> int:
    """Section 1, Section 2 … in order where lines begin, each with text of its own behind it."""
    pattern = rf"^[^\w\n]*{re.escape(word)}\s?(\d+)\b"
    heads = list(re.finditer(pattern, text, re.MULTILINE | re.IGNORECASE))
    ends = [*(head.start() for head in heads[1:]), len(text)]
    for place, (head, end) in enumerate(zip(heads, ends, strict=False), start=1):
        if head[1] != str(place) or not _WORD.search(text[head.end() : end]):
            return 0
    return len(heads)


def _edge(text: str, constraint: Mapping[str, Any]) -> str:
    """As its beginning and end are compared. `any_case` also takes quotation marks off."""
    if constraint.get("any_case"):
        return text.strip().strip('"“”').strip().casefold()
    return text.strip()


def _has_all(text: str, wanted: Sequence[str]) -> bool:
    return all(count_word(text, word) for word in wanted)


def _cased(text: str) -> list[str]:
    return [letter for letter in text if letter.upper() != letter.lower()]


def _items(text: str, pattern: str) -> int:
    """Distinct items with words in them: the same line fifty times is one item."""
    found = (item.strip().casefold() for item in re.findall(pattern, text, re.MULTILINE))
    return len({item for item in found if _WORD.search(item)})


def _marked(text: str, pattern: str) -> int:
    """Distinct items of every line: a text may mark the same words again, further down."""
    return sum(_items(line, pattern) for line in text.splitlines())


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
    "paragraph_count": ConstraintKind(
        lambda t, c: compare(len(paragraphs(t, c.get("separator", ""))), c)
    ),
    "character_count": ConstraintKind(lambda t, c: compare(len(t.strip()), c)),
    "bullet_count": ConstraintKind(
        lambda t, c: compare(_items(t, r"^[^\S\n]*+[-*+•–][ \t]++(\S.*)$"), c)
    ),
    "highlight_count": ConstraintKind(
        lambda t, c: compare(_marked(t, r"(?<![*\d])\*{1,2}(?=\S)([^*\n]+)(?<=\S)\*"), c)
    ),
    "placeholder_count": ConstraintKind(
        lambda t, c: compare(_marked(t, r"\[([^\[\]\n]+)\](?!\()"), c)
    ),
    "section_count": ConstraintKind(
        lambda t, c: compare(_sections(t, c.get("word", "Section")), c)
    ),
    "capital_word_count": ConstraintKind(
        lambda t, c: compare(sum(w.isupper() and len(w) > 1 for w in words(t)), c)
    ),
    "first_word": ConstraintKind(
        lambda t, c: [w.casefold() for w in words(t)[:1]] == [c["word"].casefold()], ("word",)
    ),
    "starts_with": ConstraintKind(
        lambda t, c: _edge(t, c).startswith(_edge(c["text"], c)), ("text",)
    ),
    "ends_with": ConstraintKind(lambda t, c: _edge(t, c).endswith(_edge(c["text"], c)), ("text",)),
    "quoted": ConstraintKind(lambda t, c: _is_quoted(t.strip(), bool(c.get("edges_only")))),
    "no_commas": ConstraintKind(lambda t, c: not _COMMA.search(t)),
    "lowercase": ConstraintKind(
        lambda t, c: bool(_cased(t)) and all(x == x.lower() for x in _cased(t))
    ),
    "uppercase": ConstraintKind(
        lambda t, c: bool(_cased(t)) and all(x == x.upper() for x in _cased(t))
    ),
    "json": ConstraintKind(lambda t, c: _is_json(t)),
    "title": ConstraintKind(lambda t, c: _has_title(t, bool(c.get("anywhere")))),
    "postscript": ConstraintKind(lambda t, c: _has_postscript(t, c.get("marker", "P.S."))),
    "language": ConstraintKind(lambda t, c: is_in_language(t, c["language"]), ("language",)),
}
COUNTED = {name for name in KINDS if name.endswith("_count")}
