"""Where the search begins: stored generations, known attacks, and many answers in the right form.

All of it is written from what the probes know of a prompt (`probes/target.py`); nothing is written
for any one bug.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from rft_core.diagnosis.probes import answers
from rft_core.diagnosis.probes.attacks import ATTACKS
from rft_core.diagnosis.probes.forms import read_completion
from rft_core.diagnosis.probes.target import Target
from rft_core.diagnosis.probes.texts import EQUAL_TO_ALL, REFUSAL
from rft_core.diagnosis.shortest_lie.answer_mutations import mutate_answer
from rft_core.rewards.answers.number_text import parse_number

STORED, RIGHT, ATTACK = "a stored generation", "a right completion", "an attack"
DRAWN_ANSWERS = 24  # mutated from the right one, for each prompt
LONGEST_NUDGE = 12  # characters of a number that is nudged


def list_beginnings(target: Target, rng: random.Random) -> dict[str, str]:
    """Text -> where it comes from, in the order in which they are tried."""
    case = target.case
    found: dict[str, str] = {}

    def add(texts: Sequence[str] | Iterator[str], origin: str) -> None:
        for text in texts:
            found.setdefault(text, origin)

    add(case.samples, STORED)
    add(list_golds(target), RIGHT)
    add(case.others, "the right completion of another prompt")
    for name, text in case.cheats.items():
        add([text], f"a cheat of the task: {name}")
    for attack in ATTACKS:
        if attack.spoil_row is None:
            add(attack.write(target), f"{ATTACK}: {attack.title.lower()}")
    for answer in list_answers(target, rng):
        add(_in_forms(target, answer), f"an answer: {_short(answer)}")
    return found


def list_golds(target: Target) -> list[str]:
    """Completions believed to be right: the task's own, and the one in the reward's form."""
    known = [target.case.gold] if target.case.gold is not None else []
    return list(dict.fromkeys([*known, target.gold]))


def list_answers(target: Target, rng: random.Random) -> list[str]:
    """Answers worth a try: wrong, near, cut, hedged, empty, spelled otherwise, and mutated."""
    gold = target.answer
    found = [
        *target.wrong, target.constant, *answers.near_misses(gold), *_nudges(gold),
        *answers.pieces(gold), *_respelled(gold), *_cut(gold), REFUSAL, EQUAL_TO_ALL,
        "", " ", "1/0", "nan", "inf", "-inf", "None", "True", "0", "{}", "[]", "null", ".", "(",
        *re.findall(r"\d+(?:\.\d+)?", target.case.prompt_text),
    ]  # fmt: skip
    if target.is_exact:
        found += answers.hedges(gold, target.wrong)
    found += [mutate_answer(rng, gold, target) for _ in range(DRAWN_ANSWERS)]
    return [one for one in dict.fromkeys(found) if one != gold]


def write_twins(target: Target, text: str) -> list[str]:
    """The same completion as far as can be, with the right answer: what honesty would earn."""
    read = read_completion(text)
    gold, form = target.answer, target.form
    bare = re.sub(r"</?[A-Za-z]\w*>", "", text)
    swapped = [text.replace(wrong, gold) for wrong in target.wrong if wrong and wrong in text]
    return [
        read.form.write(read.thought, gold),
        read.form.thought_part.replace("{thought}", read.thought) + form.write_answer(gold),
        form.write(bare or target.neutral, gold),
        form.write(f"{target.thought}\n{bare}", gold),
        *swapped,
        *(f"{bare}\n{own}" for own in list_golds(target)),
    ]


def _in_forms(target: Target, answer: str) -> Iterator[str]:
    form = target.form
    yield answer
    yield form.write(target.thought, answer)
    yield form.write(target.neutral, answer)
    yield form.write_answer(answer)
    if target.answer in target.gold and len(target.answer) > 1:
        yield target.gold.replace(target.answer, answer)
    if target.case.gold:
        own = read_completion(target.case.gold)
        yield own.form.write(own.thought, answer)
        yield own.form.write(f"{own.answer} {own.thought}", answer)
    right, wrong = form.write_answer(target.answer), form.write_answer(answer)
    thought = form.write_thought(target.neutral)
    yield f"{thought}{right}\n{wrong}"
    yield f"{thought}{wrong}\n{right}\n{wrong}"
    yield f"{target.answer}\n{form.write(target.neutral, answer)}"
    yield f"{form.write(target.neutral, answer)}\n{target.answer}"


def _nudges(gold: str) -> Iterator[str]:
    """Numbers that differ from the right one by more than a fair tolerance, and by little."""
    value = parse_number(gold)
    if value is None or len(gold) > LONGEST_NUDGE:
        return
    for step in ("2/5", "-2/5", "1/2", "-1/2", "1", "-1", "2", "-2", "5", "-5", "10", "100"):
        near = value + Fraction(step)
        if abs(near - value) > answers.FAIR_TOLERANCE * abs(value):
            yield answers.write_number(near)
    for factor in (10, 100, Fraction(1, 10)):
        yield answers.write_number(value * factor)
    digits = str(abs(int(value)))
    yield digits[0] + "7" * (len(digits) - 1)
    yield "7" * (len(digits) - 1) + digits[-1]
    yield "".join(sorted(digits))
    yield "".join(sorted(digits, reverse=True))


def _respelled(gold: str) -> Iterator[str]:
    words = gold.split()
    yield " ".join(reversed(words))
    yield " ".join(sorted(words))
    yield gold[::-1]
    yield gold.upper()
    yield gold.lower()
    yield gold.translate(str.maketrans("0123456789", "०१२३४५६७८९"))
    yield gold * 2
    yield f"{gold} {gold}"
    yield f"not {gold}"
    yield f"-{gold}"
    yield f"{gold}.{gold}"


def _cut(gold: str) -> Iterator[str]:
    """Beginnings and ends: characters, words, lines, and the first fields of JSON."""
    words, lines = gold.split(), gold.splitlines(keepends=True)
    yield from (gold[:1], gold[-1:], gold[: len(gold) // 2], gold[len(gold) // 2 :])
    if len(words) > 1:
        yield from (words[0], words[-1], " ".join(words[:-1]), " ".join(words[1:]))
    if len(lines) > 1:
        yield from ("".join(lines[:-1]), "".join(lines[1:]), lines[0], lines[-1])
    if answers.kind_of(gold) == "json":
        value = json.loads(gold)
        if isinstance(value, dict):
            yield json.dumps(list(value))
            yield json.dumps(dict.fromkeys(value))
            for name in value:
                yield json.dumps({name: value[name]})
                yield json.dumps({other: v for other, v in value.items() if other != name})


def _short(text: str) -> str:
    plain = " ".join(text.split()) or "nothing"
    return plain if len(plain) <= 30 else plain[:30] + "…"
