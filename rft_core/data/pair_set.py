"""PairSet: the immutable, content-addressed set of preference pairs that a run learns from.

A pair is one prompt with two answers, of which one was preferred: by a person, by a file's author,
or by a grader. DPO and reward models train on them. Where judgements are kept as they were made is
`store/preferences.py`; files of pairs are read and written by `pair_lines.py`.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rft_core.data.split import normalise_prompt, split_prompts
from rft_core.errors import BadInputError, quote
from rft_core.types import Messages, Row

ROLES = ("system", "user", "assistant")
_ID_DIGITS = 16


@dataclass(frozen=True)
class Pair:
    """`chosen` was preferred to `rejected` as the answer to `messages`.

    `row`: what graders look at, where the prompt came from one. `margin`: by how much, where that
    is known (a difference of rewards, or of ranks). `source`: where the pair comes from, in words.
    `group`: pairs that share it come from one judgement (a ranking of K gives up to K(K-1)/2): they
    have one prompt and belong into one batch.
    """

    messages: Messages
    chosen: str
    rejected: str
    row: Row | None = None
    margin: float | None = None
    source: str = ""
    group: str = ""


@dataclass(frozen=True)
class PairSet:
    """Made by `make_pair_set`. `validation`: indices into `pairs`, ascending; the rest trains.

    No prompt is on both sides: a model that has seen a prompt's answers ranked would otherwise be
    asked about the same answers again.
    """

    name: str
    pairs: tuple[Pair, ...]
    validation: tuple[int, ...]
    task: str | None = None

    @cached_property
    def id(self) -> str:
        """Hash of all that a run depends on: pairs, split and task, but not the name."""
        content = {key: value for key, value in _to_dict(self).items() if key != "name"}
        return hashlib.sha256(_canonical_json(content).encode()).hexdigest()[:_ID_DIGITS]

    @property
    def train_pairs(self) -> tuple[Pair, ...]:
        held_out = set(self.validation)
        return tuple(pair for index, pair in enumerate(self.pairs) if index not in held_out)

    @property
    def num_train_judgements(self) -> int:
        """Pairs of one group come from one; a pair without a group is one of its own."""
        named = {pair.group for pair in self.train_pairs if pair.group}
        return len(named) + sum(not pair.group for pair in self.train_pairs)

    @property
    def validation_pairs(self) -> tuple[Pair, ...]:
        return tuple(self.pairs[index] for index in self.validation)

    def to_json(self) -> str:
        return _canonical_json({"id": self.id, **_to_dict(self)})

    @classmethod
    def from_json(cls, text: str) -> PairSet:
        """Inverse of `to_json`. Raises BadInputError if the content is not what `id` promises."""
        try:
            data = json.loads(text)
            pair_set = cls(
                name=data["name"],
                pairs=tuple(Pair(**pair) for pair in data["pairs"]),
                validation=tuple(data["validation"]),
                task=data["task"],
            )
            is_whole = data["id"] == pair_set.id
        except (ValueError, LookupError, TypeError) as error:
            raise _damaged(f"its JSON cannot be read ({error})") from error
        if not is_whole:
            raise _damaged("its content does not match its id")
        return pair_set


def make_pair_set(
    name: str,
    pairs: Sequence[Pair],
    validation_share: float = 0.1,
    seed: int = 0,
    task: str | None = None,
) -> PairSet:
    """Check every pair and split them by prompt; all pairs of one prompt on one side.

    `validation_share` is of the pairs, met as nearly as whole prompts allow: 0 holds none out, and
    pairs of a single prompt all train. Raises BadInputError that names the pair.
    """
    if not pairs:
        raise BadInputError(
            "A pair set needs at least one pair", "there is none", "Judge or import some answers"
        )
    prompts = [prompt_key(pair.messages) for pair in pairs]
    for number, pair in enumerate(pairs, start=1):
        check_pair(pair, f"Pair {number}")
    _check_groups(pairs, prompts)
    if not 0 <= validation_share < 1:
        raise BadInputError(
            f"A validation share of {validation_share:g} is not possible",
            "it is a fraction of the pairs, from 0 to below 1",
            "Use 0.1 to hold out one pair in ten",
        )
    held_out: tuple[int, ...] = ()
    if validation_share > 0 and len(set(prompts)) > 1:
        held_out = split_prompts(prompts, validation=validation_share, seed=seed).validation
    return PairSet(name=name.strip() or "Pairs", pairs=tuple(pairs), validation=held_out, task=task)


def prompt_key(messages: Messages) -> str:
    """What makes two pairs' prompts the same one: every message, but not case or white space."""
    return "\n".join(normalise_prompt(f"{m['role']}: {m['content']}") for m in messages)


def check_pair(pair: Pair, where: str) -> None:
    """Raises BadInputError, which begins with `where`, unless something can be learned from it."""
    for what, fix in _faults(pair):
        raise BadInputError(f"{where} cannot be used", what, fix)


def _faults(pair: Pair) -> list[tuple[str, str]]:
    """What is wrong with a pair, and the cure; empty where nothing is."""
    found = []
    if not pair.messages or not pair.messages[-1]["content"].strip():
        found.append(("its prompt is empty", "Give the prompt that both answers were written for"))
    elif pair.messages[-1]["role"] == "assistant":
        found.append(
            ("its prompt ends with an answer", "End the prompt with the user's last message")
        )
    for message in pair.messages:
        if message["role"] not in ROLES:
            found.append(
                (f"a message has the role {quote(message['role'])}", f"Use {', '.join(ROLES)}")
            )
    if pair.chosen == pair.rejected:
        found.append(("chosen and rejected are the same text", "Remove the pair: it says nothing"))
    if pair.margin is not None and not math.isfinite(pair.margin):
        found.append((f"its margin is {pair.margin}", "Give a number, or leave it out"))
    try:
        _canonical_json(_pair_dict(pair)).encode()
    except (TypeError, ValueError) as error:
        found.append((f"it cannot be written as JSON ({error})", "Use texts and numbers"))
    return found


def _check_groups(pairs: Sequence[Pair], prompts: Sequence[str]) -> None:
    """One group, one prompt: else the two rules of the split contradict each other."""
    prompt_of: dict[str, str] = {}
    for number, (pair, prompt) in enumerate(zip(pairs, prompts, strict=True), start=1):
        if pair.group and prompt_of.setdefault(pair.group, prompt) != prompt:
            raise BadInputError(
                f"Pair {number} has another prompt than its group {quote(pair.group)}",
                "a group is the pairs of one judgement, and so of one prompt",
                "Give it a group of its own",
            )


def _to_dict(pair_set: PairSet) -> dict[str, Any]:
    return {
        "name": pair_set.name,
        "pairs": [_pair_dict(pair) for pair in pair_set.pairs],
        "validation": list(pair_set.validation),
        "task": pair_set.task,
    }


def _pair_dict(pair: Pair) -> dict[str, Any]:
    row: Mapping[str, Any] | None = pair.row
    return {
        **vars(pair),
        "messages": [dict(message) for message in pair.messages],
        "row": None if row is None else dict(row),
    }


def _canonical_json(data: Any) -> str:
    return json.dumps(
        data, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _damaged(why: str) -> BadInputError:
    return BadInputError("The stored pair set is damaged", why, "Make or import it again")
