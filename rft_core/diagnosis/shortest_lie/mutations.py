"""Random changes of a whole completion, by name: what the search makes new completions with.

Each takes a text that is already known and gives another one. None knows what the reward looks for:
pieces to insert are the probes' attacks and the words that the reward's own source mentions.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rft_core.diagnosis.probes.forms import read_completion
from rft_core.diagnosis.probes.target import Target
from rft_core.diagnosis.shortest_lie.answer_mutations import change_number, mutate_answer
from rft_core.diagnosis.shortest_lie.shrinking import split_lines, split_tokens

LONGEST = 20_000  # characters: longer ones are not mutated further
MOST_COPIES = 20
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
SIGNS = (" ", "\n", "0", "1", "-", ".", ",", "=", "(", ")", "\\boxed{}", "####", "```", "or", "%")


@dataclass(frozen=True)
class Material:
    """What completions are mutated with: the prompt's target, answers, and other completions."""

    target: Target
    answers: Sequence[str]
    others: Sequence[str]

    @property
    def pieces(self) -> list[str]:
        words, tags = list(self.target.words), self.target.form.tags
        return [*SIGNS, *words, *tags, self.target.answer, *self.target.wrong]


def mutate(rng: random.Random, text: str, material: Material) -> tuple[str, str]:
    """Another text, and the name of what was done last. Sometimes several things are done."""
    name = ""
    for _ in range(rng.choice((1, 1, 2, 3))):
        name = rng.choice(list(MUTATIONS))
        text = MUTATIONS[name](rng, text, material)
    return text[:LONGEST], name


def delete_span(rng: random.Random, text: str, material: Material) -> str:
    units = _units(rng, text)
    start, end = _span(rng, len(units))
    return "".join([*units[:start], *units[end:]])


def keep_span(rng: random.Random, text: str, material: Material) -> str:
    units = _units(rng, text)
    start, end = _span(rng, len(units))
    return "".join(units[start:end])


def duplicate_span(rng: random.Random, text: str, material: Material) -> str:
    units = _units(rng, text)
    start, end = _span(rng, len(units))
    copies = rng.choice((1, 1, 2, MOST_COPIES))
    return "".join([*units[:end], *(list(units[start:end]) * copies), *units[end:]])


def swap_spans(rng: random.Random, text: str, material: Material) -> str:
    units = list(_units(rng, text))
    if len(units) > 1:
        one, other = rng.sample(range(len(units)), 2)
        units[one], units[other] = units[other], units[one]
    return "".join(units)


def swap_answer(rng: random.Random, text: str, material: Material) -> str:
    read = read_completion(text)
    return read.form.write(read.thought, rng.choice(list(material.answers) or [""]))


def change_answer(rng: random.Random, text: str, material: Material) -> str:
    read = read_completion(text)
    answer = mutate_answer(rng, read.answer, material.target)
    return read.form.write(read.thought, answer)


def replace_number(rng: random.Random, text: str, material: Material) -> str:
    return change_number(rng, text, material.target)


def splice(rng: random.Random, text: str, material: Material) -> str:
    """The beginning of this one, the end of another."""
    if not material.others:
        return text
    own, theirs = split_tokens(text), split_tokens(rng.choice(list(material.others)))
    return "".join([*own[: rng.randint(0, len(own))], *theirs[rng.randint(0, len(theirs)) :]])


def insert_piece(rng: random.Random, text: str, material: Material) -> str:
    units = _units(rng, text)
    place = rng.randint(0, len(units))
    piece = rng.choice(material.pieces)
    return "".join([*units[:place], rng.choice(("", " ")), piece, *units[place:]])


def insert_answer(rng: random.Random, text: str, material: Material) -> str:
    """The right answer, unmarked, at either end."""
    gold = material.target.answer
    return rng.choice([f"{gold}\n{text}", f"{text}\n{gold}", f"{text} {gold}"])


def duplicate_answer(rng: random.Random, text: str, material: Material) -> str:
    """Another answer block, right or wrong, before or after."""
    target = material.target
    block = target.form.write_answer(rng.choice([target.answer, *material.answers[:8]]))
    return rng.choice([f"{block}\n{text}", f"{text}\n{block}"])


def strip_thought(rng: random.Random, text: str, material: Material) -> str:
    read = read_completion(text)
    return read.form.answer_part.replace("{answer}", read.answer)


def strip_answer(rng: random.Random, text: str, material: Material) -> str:
    read = read_completion(text)
    return read.form.thought_part.replace("{thought}", read.thought)


def move_to_thought(rng: random.Random, text: str, material: Material) -> str:
    """The answer is mentioned on the way, and another is given."""
    read, target = read_completion(text), material.target
    answer = rng.choice(list(material.answers) or [""])
    return target.form.write(f"{read.thought} {read.answer}", answer)


def change_tag(rng: random.Random, text: str, material: Material) -> str:
    """One tag is dropped, closed, opened, doubled or spelled in capitals."""
    tags = list(re.finditer(r"</?[A-Za-z]\w*>", text))
    if not tags:
        return text
    one = rng.choice(tags)
    turned = one[0].replace("</", "<") if "/" in one[0] else one[0].replace("<", "</")
    new = rng.choice(["", turned, one[0] * 2, one[0].upper()])
    return text[: one.start()] + new + text[one.end() :]


def add_words(rng: random.Random, text: str, material: Material) -> str:
    """Several words of the reward's own source."""
    words = list(material.target.words)
    chosen = rng.sample(words, min(len(words), rng.randint(1, 8)))
    return f"{text} {' '.join(chosen)}"


def change_case(rng: random.Random, text: str, material: Material) -> str:
    return rng.choice([text.upper(), text.lower(), text.title(), text.strip(), f" {text} "])


Change = Callable[[random.Random, str, Material], str]
MUTATIONS: Mapping[str, Change] = {
    "a span deleted": delete_span,
    "a span kept": keep_span,
    "a span doubled": duplicate_span,
    "spans swapped": swap_spans,
    "the answer swapped": swap_answer,
    "the answer changed": change_answer,
    "a number replaced": replace_number,
    "two spliced": splice,
    "a piece inserted": insert_piece,
    "the right answer added": insert_answer,
    "a second answer": duplicate_answer,
    "the thought stripped": strip_thought,
    "the answer stripped": strip_answer,
    "the answer moved to the thought": move_to_thought,
    "a tag changed": change_tag,
    "keywords added": add_words,
    "the case changed": change_case,
}


def _units(rng: random.Random, text: str) -> Sequence[str]:
    how = rng.randrange(3)
    if how == 0 and "\n" in text:
        return split_lines(text)
    if how == 1 and _SENTENCE_END.search(text):
        ends = [0, *(found.end() for found in _SENTENCE_END.finditer(text)), len(text)]
        return [text[a:b] for a, b in pairwise(ends)]
    return split_tokens(text)


def _span(rng: random.Random, count: int) -> tuple[int, int]:
    """Mostly short; at least one unit where there is one."""
    if not count:
        return 0, 0
    start = rng.randrange(count)
    return start, min(count, start + rng.choice((1, 1, 2, 3, max(1, count // 4), count)))
