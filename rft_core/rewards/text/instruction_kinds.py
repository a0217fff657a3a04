"""The kinds of constraint whose keeping a program can check, after IFEval (arXiv 2311.07911).

Each check is a function of the completion and the constraint's own values, and says whether it is
kept. Words are whole words in any case: "cat" is not in "concatenate", and forbidding "cat" forbids
"CAT". The checks look at form alone; `language` goes by script and by frequent little words. No
pattern may try a long run of the same signs again from each of its places: nothing interrupts it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.answers.extraction import without_fence
from rft_core.rewards.structured.strict_json import parse_strict_json
from rft_core.rewards.text.format import INVISIBLE_LETTERS
from rft_core.rewards.text.normal_form import normalize

LITTLE_WORDS = {
    "en": "the and of to in is that it was for on with as are this i you he she we they my "
    "your his her our their be have has had do does did not at by from but or an a when "
    "what who will would can could very all so if there me him us them",
    "de": "der die das und ist nicht ein eine zu den mit auf für sich von ich du er sie es "
    "wir ihr mein meine dein sein seine ihre im am dem des einen einem einer auch aber "
    "oder wie was wenn nur noch schon sehr hat haben war wird sind bin bist kann heute "
    "gern zum zur bei nach aus um",
    "fr": "le la les et est une un des du que pour dans qui ne pas je tu il elle nous vous "
    "ils elles mon ma mes ton ta ses son au aux ce cette ces avec sur par plus mais ou "
    "très bien beaucoup toujours sont j l d qu n c y en",
    "es": "el la los las y es una un que en por para con del se no yo tú él ella nosotros "
    "ellos mi tu su sus me te le lo al como más pero muy mucho mucha hay está son fue "
    "hoy este esta",
    "it": "il la che di e un una per non con sono del è gli nel io tu lui lei noi voi loro mi "
    "ti si ci lo i le al alla della dei delle da su come più ma molto questo questa ho "
    "ha era anche",
    "pt": "o a os as e um uma que de para não com do da em eu tu você ele ela nós eles meu "
    "minha seu sua no na dos das ao por mais mas muito foi é são está este esta hoje se",
    "nl": "de het een en van is dat niet op te in met voor zijn aan ik jij hij zij wij we je "
    "u mijn jouw haar ons hun er ook maar of als wat wie naar bij uit om nog wel heel "
    "was heeft hebben ben bent kan vandaag deze dit",
}
SCRIPTS = {
    "ru": "CYRILLIC", "uk": "CYRILLIC", "bg": "CYRILLIC", "el": "GREEK", "ar": "ARABIC",
    "fa": "ARABIC", "ur": "ARABIC", "he": "HEBREW", "hi": "DEVANAGARI", "mr": "DEVANAGARI",
    "ne": "DEVANAGARI", "bn": "BENGALI", "ta": "TAMIL", "te": "TELUGU", "kn": "KANNADA",
    "gu": "GUJARATI", "pa": "GURMUKHI", "th": "THAI", "ko": "HANGUL", "ja": "HIRAGANA", "zh": "CJK",
}  # fmt: skip
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
_LOOKALIKES = str.maketrans("асеорхуіѕјαορν", "aceopxyisjaopv")
_SENTENCE_END = re.compile(r"(?<![.!?。！？])[.!?。！？]++[\"'”’)\]]*+(?:\s|$)")

Check = Callable[[str, Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Kind:
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
        code: sum(found[word] for word in little.split()) / found.total()
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


KINDS: dict[str, Kind] = {
    "keywords": Kind(lambda t, c: _has_all(t, c["words"]), ("words",)),
    "forbidden_words": Kind(lambda t, c: not any(count_word(t, w) for w in c["words"]), ("words",)),
    "keyword_count": Kind(lambda t, c: compare(count_word(t, c["word"]), c), ("word",)),
    "letter_count": Kind(
        lambda t, c: compare(t.casefold().count(c["letter"].casefold()), c), ("letter",)
    ),
    "word_count": Kind(lambda t, c: compare(len(words(t)), c)),
    "sentence_count": Kind(lambda t, c: compare(sentences(t), c)),
    "paragraph_count": Kind(lambda t, c: compare(len(paragraphs(t)), c)),
    "character_count": Kind(lambda t, c: compare(len(t.strip()), c)),
    "bullet_count": Kind(lambda t, c: compare(_items(t, r"^[^\S\n]*+[-*+•–][ \t]++(\S.*)$"), c)),
    "highlight_count": Kind(lambda t, c: compare(_items(t, r"(?<!\*)\*{1,2}([^*\n]+)\*"), c)),
    "placeholder_count": Kind(lambda t, c: compare(_items(t, r"\[([^\[\]\n]+)\]"), c)),
    "section_count": Kind(lambda t, c: compare(_sections(t, c.get("word", "Section")), c)),
    "capital_word_count": Kind(
        lambda t, c: compare(sum(w.isupper() and len(w) > 1 for w in words(t)), c)
    ),
    "first_word": Kind(
        lambda t, c: [w.casefold() for w in words(t)[:1]] == [c["word"].casefold()], ("word",)
    ),
    "starts_with": Kind(lambda t, c: t.strip().startswith(c["text"]), ("text",)),
    "ends_with": Kind(lambda t, c: t.strip().endswith(c["text"]), ("text",)),
    "quoted": Kind(lambda t, c: bool(_QUOTED.fullmatch(t.strip()) and _WORD.search(t))),
    "no_commas": Kind(lambda t, c: not _COMMA.search(t)),
    "lowercase": Kind(lambda t, c: bool(_cased(t)) and all(x == x.lower() for x in _cased(t))),
    "uppercase": Kind(lambda t, c: bool(_cased(t)) and all(x == x.upper() for x in _cased(t))),
    "json": Kind(lambda t, c: _is_json(t)),
    "title": Kind(lambda t, c: _has_title(t)),
    "postscript": Kind(lambda t, c: _has_postscript(t, c.get("marker", "P.S."))),
    "language": Kind(lambda t, c: in_language(t, c["language"]), ("language",)),
}
COUNTED = {name for name in KINDS if name.endswith("_count")}
