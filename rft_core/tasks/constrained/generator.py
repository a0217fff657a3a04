"""Seeded instructions: a text is written first, and constraints are read off it that it keeps.

So the constraints of a row can always be kept together, and the text is the row's gold completion.
A draft goes through four stages (layout, marks, case, frame), each of which may change it and make
demands of its own; then what is merely true of it is measured. Rows that a known cheat would
satisfy are drawn again.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft_core.rewards.text.instruction_kinds import KINDS, count_word, sentences, words
from rft_core.tasks.cheats import instruction_cheats
from rft_core.tasks.constrained.demands import say
from rft_core.tasks.constrained.topics import LANGUAGES, TOPICS
from rft_core.tasks.splits import choose_split, draw_different
from rft_core.types import Row

MOST_MEASURED = 2  # constraints that are only read off the finished text
FORBIDDEN = ("very", "really", "amazing", "thing", "always", "never", "perhaps", "indeed")
LANGUAGE_SHARE = 0.08
_NUMBER = re.compile(r"\d+")


@dataclass
class Draft:
    """A text on its way, and what was demanded of it so far."""

    text: str
    about: str
    constraints: list[dict[str, Any]] = field(default_factory=list)

    def demand(self, kind: str, **values: Any) -> None:
        self.constraints.append({"kind": kind, **values})

    def has(self, *kinds: str) -> bool:
        return any(constraint["kind"] in kinds for constraint in self.constraints)


def make_rows(split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """`count` different prompts of one split, with their constraints and a text that keeps them."""
    return _draw_rows(draft, random.Random(f"instructions {split} {seed}"), split, count)


def make_easy_rows(split: str, count: int, seed: int) -> list[dict[str, Any]]:
    """As `make_rows`, each with a short text in one form: no answer of a word or two will do."""
    return _draw_rows(draft_easy, random.Random(f"easy {split} {seed}"), split, count)


def _draw_rows(
    draft: Callable[[random.Random], Draft], rng: random.Random, split: str, count: int
) -> list[dict[str, Any]]:
    def draw() -> dict[str, Any] | None:
        row = write_row(draft(rng))
        return row if bucket(row) == split and is_sound(row) else None

    return draw_different(draw, split, count, column="prompt", key=make_key)


def make_key(row: Row) -> Hashable:
    """The prompt without its numbers: the same demands with another count are the same prompt."""
    return _NUMBER.sub("#", " ".join(str(row["prompt"]).split()))


def has_text(row: Row) -> bool:
    """Whether the row is one of ours, with the text that it was read off."""
    return bool(row.get("gold"))


def bucket(row: Row) -> str:
    return choose_split(str(make_key(row)))


def is_sound(row: Row) -> bool:
    """Whether its own text keeps every constraint, and no known cheat does, nor the prompt."""
    cheats = (*instruction_cheats(row).values(), row["prompt"])
    return _keeps(row["gold"], row) and not any(_keeps(cheat, row) for cheat in cheats)


def write_row(finished: Draft) -> dict[str, Any]:
    demands = " ".join(say(constraint) for constraint in finished.constraints)
    return {
        "prompt": f"Write about {finished.about}. {demands}",
        "constraints": finished.constraints,
        "gold": finished.text,
    }


def draft(rng: random.Random) -> Draft:
    """A finished text with one to six constraints that it keeps."""
    if rng.random() < LANGUAGE_SHARE:
        return _foreign(rng)
    about = rng.choice(list(TOPICS))
    chosen = rng.sample(TOPICS[about], rng.randint(2, 5))
    made = Draft("", about)
    rng.choice(LAYOUTS)(made, chosen, rng)
    if not made.has("json"):
        for stage in (MARKS, CASES, FRAMES):
            rng.choice(stage)(made, rng)
    for measure in rng.sample(MEASURES, rng.randint(1, MOST_MEASURED)):
        measure(made, rng)
    return made


def draft_easy(rng: random.Random) -> Draft:
    """Two sentences in a form that small models sometimes keep, and what is true of them."""
    about = rng.choice(list(TOPICS))
    made = Draft(" ".join(rng.sample(TOPICS[about], 2)), about)
    made.demand("word_count", **EASY_WORDS)
    rng.choice(EASY_FORMS)(made, rng)
    rng.choice(EASY_MEASURES)(made, rng)
    return made


def _keeps(text: str, row: Row) -> bool:
    return all(KINDS[one["kind"]].check(text, one) for one in row["constraints"])


def _foreign(rng: random.Random) -> Draft:
    code = rng.choice(list(LANGUAGES))
    chosen = rng.sample(LANGUAGES[code][1], rng.randint(1, 3))
    made = Draft(" ".join(chosen), "daily life")
    made.demand("language", language=code)
    for measure in rng.sample([_sentences, _words, _characters, _commas], 2):
        measure(made, rng)
    return made


# Layouts: how the sentences are put together.
def _plain(made: Draft, chosen: Sequence[str], rng: random.Random) -> None:
    made.text = " ".join(chosen)


def _paragraphs(made: Draft, chosen: Sequence[str], rng: random.Random) -> None:
    made.text = "\n\n".join(chosen)
    made.demand("paragraph_count", exactly=len(chosen))


def _bullets(made: Draft, chosen: Sequence[str], rng: random.Random) -> None:
    made.text = "\n".join(f"- {sentence}" for sentence in chosen)
    made.demand("bullet_count", exactly=len(chosen))


def _sections(made: Draft, chosen: Sequence[str], rng: random.Random) -> None:
    word = rng.choice(("Section", "Part", "Chapter"))
    made.text = "\n".join(f"{word} {n}\n{said}" for n, said in enumerate(chosen, start=1))
    made.demand("section_count", word=word, exactly=len(chosen))


def _json(made: Draft, chosen: Sequence[str], rng: random.Random) -> None:
    made.text = json.dumps({"topic": made.about, "facts": list(chosen)})
    made.demand("json")


# Marks: what is put in among the words.
def _nothing(made: Draft, rng: random.Random) -> None:
    pass


def _highlights(made: Draft, rng: random.Random) -> None:
    for word in _pick(made, rng, 2):
        made.text = re.sub(rf"\b{word}\b", f"*{word}*", made.text, count=1)
    made.demand("highlight_count", minimum=len(re.findall(r"\*\w+\*", made.text)))


def _placeholders(made: Draft, rng: random.Random) -> None:
    gaps = rng.sample(("[name]", "[date]", "[place]", "[address]"), rng.randint(1, 3))
    made.text += f" Ask {' '.join(gaps)} for more."
    made.demand("placeholder_count", minimum=len(gaps))


def _capitals(made: Draft, rng: random.Random) -> None:
    for word in _pick(made, rng, rng.randint(1, 3)):
        made.text = re.sub(rf"\b{word}\b", word.upper(), made.text, count=1)
    made.demand("capital_word_count", minimum=sum(w.isupper() for w in words(made.text) if w[1:]))


# Cases.
def _lower(made: Draft, rng: random.Random) -> None:
    if not made.has("capital_word_count", "section_count"):
        made.text = made.text.lower()
        made.demand("lowercase")


def _upper(made: Draft, rng: random.Random) -> None:
    if not made.has("capital_word_count", "section_count", "placeholder_count"):
        made.text = made.text.upper()
        made.demand("uppercase")


# Frames: how the text begins and ends.
def _title(made: Draft, rng: random.Random) -> None:
    made.text = f"<<{_cased(made.about, made)}>>\n{made.text}"
    made.demand("title")


def _postscript(made: Draft, rng: random.Random) -> None:
    if made.has("lowercase", "paragraph_count"):
        return
    said = _cased("There is more to say about it.", made)
    marker = rng.choice(("P.S.", "P.P.S"))
    made.text = f"{made.text}\n\n{marker} {said}"
    made.demand("postscript", marker=marker)


def _quotes(made: Draft, rng: random.Random) -> None:
    made.text = f'"{made.text}"'
    made.demand("quoted")


def _beginning(made: Draft, rng: random.Random) -> None:
    if made.has("bullet_count", "section_count", "paragraph_count"):
        return
    begin = _cased(rng.choice(("Here is my answer.", "This is what I know.", "Listen.")), made)
    made.text = f"{begin} {made.text}"
    made.demand("starts_with", text=begin)


def _first_word(made: Draft, rng: random.Random) -> None:
    made.demand("first_word", word=words(made.text)[0].lower())


def _ending(made: Draft, rng: random.Random) -> None:
    end = _cased(rng.choice(("That is all.", "Any other questions?", "So it is.")), made)
    made.text = f"{made.text} {end}"
    made.demand("ends_with", text=end)


# Measures: what is true of the finished text.
def _keywords(made: Draft, rng: random.Random) -> None:
    made.demand("keywords", words=[word.lower() for word in _pick(made, rng, rng.randint(1, 2))])


def _keyword_count(made: Draft, rng: random.Random) -> None:
    word = _pick(made, rng, 1)[0].lower()
    made.demand("keyword_count", word=word, minimum=count_word(made.text, word))


def _forbidden(made: Draft, rng: random.Random) -> None:
    missing = [word for word in FORBIDDEN if not count_word(made.text, word)]
    made.demand("forbidden_words", words=rng.sample(missing, 2))


def _letters(made: Draft, rng: random.Random) -> None:
    letter = rng.choice("aeost")
    made.demand("letter_count", letter=letter, minimum=made.text.casefold().count(letter) or 1)


def _words(made: Draft, rng: random.Random) -> None:
    count = len(words(made.text))
    bound = {"maximum": -(-count // 10) * 10} if rng.random() < 0.6 else {"minimum": count // 5 * 5}
    made.demand("word_count", **bound)


def _sentences(made: Draft, rng: random.Random) -> None:
    count = sentences(made.text)
    bounds: list[dict[str, int]] = [{"exactly": count}, {"maximum": count + 1}, {"minimum": count}]
    made.demand("sentence_count", **rng.choice(bounds))


def _characters(made: Draft, rng: random.Random) -> None:
    made.demand("character_count", maximum=-(-len(made.text) // 50) * 50)


def _commas(made: Draft, rng: random.Random) -> None:
    if "," not in made.text:
        made.demand("no_commas")


def _pick(made: Draft, rng: random.Random, count: int) -> list[str]:
    """Different longer words of the text that are not marked."""
    plain = set(re.findall(r"(?<![*\w])[A-Za-z]{4,}(?![*\w])", made.text))
    return rng.sample(sorted(plain), min(count, len(plain)))


def _cased(text: str, made: Draft) -> str:
    case: Mapping[str, Callable[[str], str]] = {"lowercase": str.lower, "uppercase": str.upper}
    changes = [change for kind, change in case.items() if made.has(kind)]
    return changes[0](text) if changes else text


LAYOUTS = (_plain, _plain, _paragraphs, _bullets, _sections, _json)
MARKS = (_nothing, _nothing, _highlights, _placeholders, _capitals)
CASES = (_nothing, _nothing, _lower, _upper)
FRAMES = (_nothing, _title, _postscript, _quotes, _beginning, _first_word, _ending)
MEASURES = (
    _keywords, _keywords, _keyword_count, _forbidden, _letters, _words, _sentences, _characters,
    _commas,
)  # fmt: skip
EASY_WORDS = {"minimum": 10, "maximum": 25}
EASY_FORMS = (_title, _postscript, _placeholders, _first_word)
EASY_MEASURES = (_keywords, _keyword_count, _forbidden, _letters, _sentences, _commas)
