"""What a batch asks of the judge: a question for each completion, or one for each whole group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.contract import Batch
from rft_core.rewards.in_group import EVEN
from rft_core.rewards.judge.question import Question, make_question, read_label, read_score
from rft_core.rewards.judge.ranking import make_ranking_question, order_texts, read_ranking
from rft_core.types import Messages, Row

ALONE = "it is the only completion of its prompt, and there is nothing to compare it with"
ALL_THE_SAME = "All completions of this prompt are the same."

Options = Mapping[str, Any]
Marks = list[tuple[float, str]]  # score and reason of each text that the question shows


@dataclass(frozen=True)
class Inquiry:
    """One question, and how a reply to it is read (`ValueError`: it cannot be).

    `settled`: the marks of what need not be asked.
    """

    question: Question
    read: Callable[[str], Marks]
    settled: Marks | None = None


@dataclass(frozen=True)
class Inquiries:
    """Different questions by their keys. `places`: for each completion of the batch the key of the
    question that decides it, and which of the texts there it is.
    """

    by_key: Mapping[str, Inquiry]
    places: Sequence[tuple[str, int]]

    @property
    def mark_keys(self) -> list[str]:
        """What each completion's mark is remembered by."""
        return [name_mark(key, place) for key, place in self.places]


def name_mark(key: str, place: int) -> str:
    """A question with one text is known by itself."""
    return f"{key}:{place}" if place else key


def list_inquiries(options: Options, batch: Batch, groups: Sequence[Sequence[int]]) -> Inquiries:
    """By the judge's options, with all of their defaults. Equal questions are one."""
    by_key: dict[str, Inquiry] = {}
    places: list[tuple[str, int]] = [("", 0)] * len(batch)
    for group in groups:
        prompt, row = batch.prompts[group[0]], batch.rows[group[0]]
        parts = [group] if options["ranks_group"] else [[index] for index in group]
        for part in parts:
            texts = [batch.completions[index] for index in part]
            shown = order_texts(texts)
            inquiry = _inquire(options, prompt, texts, row)
            key = _hash(options, inquiry.question)
            by_key[key] = inquiry
            for index, text in zip(part, texts, strict=True):
                places[index] = key, 0 if inquiry.settled else shown.index(text)
    return Inquiries(by_key, places)


def _inquire(options: Options, prompt: Messages, texts: Sequence[str], row: Row) -> Inquiry:
    if not options["ranks_group"]:
        [text] = texts
        return Inquiry(
            make_question(options, prompt, text, row), lambda reply: [_read(options, reply)]
        )
    shown = order_texts(texts)
    if len(shown) == 1:
        settled = [(EVEN, ALL_THE_SAME)] if len(texts) > 1 else None
        return Inquiry(ALL_THE_SAME if settled else ALONE, lambda _: [], settled)
    question = make_ranking_question(options, prompt, shown, row)
    return Inquiry(question, lambda reply: read_ranking(reply, len(shown)))


def _read(options: Options, reply: str) -> tuple[float, str]:
    if options["labels"]:
        label, reason = read_label(reply, json.loads(options["labels"]))
        return float(label in json.loads(options["passing_labels"])), reason or label
    return read_score(reply, options["minimum"], options["maximum"])


def _hash(options: Options, question: Question) -> str:
    """Of everything that decides the score: which labels pass is not in the question."""
    decisive = [options["base_url"], options["model"], question, options["passing_labels"]]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()
