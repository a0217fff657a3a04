"""Pairwise: the half of a method that learns which of two answers is preferred.

Over TRL's trainers of pairs (DPO, reward models). A prompt is read by the same token ids as in
every other method, and both answers end in the token that ends an answer. An item of the data is a
judgement with all its pairs: those of one ranking share their answers, so they belong into one
batch. `per_device_train_batch_size` counts judgements.

The held-out pairs, whose prompts are never trained on, are scored at every validation, beside what
the run samples and rewards there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset

from rft_core.config import get_method
from rft_core.data.pair_accuracy import JudgedPair, summarise_pairs
from rft_core.data.pair_set import Pair, prompt_key
from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.end_tokens import find_end_token
from rft_core.sampling.sampler import OnStep, ignore_steps
from rft_core.store.run_writer import PartsDone
from rft_core.training.recorded import Recorded, StageParts
from rft_core.training.validating import evaluating, own_randomness

COUNT_NAME = "tokens_seen.json"
# TRL's names for what both trainers measure of a batch, and ours. Reward functions own "rewards/".
NAMES: Mapping[str, str] = {
    "rewards/accuracies": "pairs/accuracy", "rewards/margins": "pairs/margin",
    "rewards/chosen": "pairs/chosen", "rewards/rejected": "pairs/rejected",
    "accuracy": "pairs/accuracy", "margin": "pairs/margin", "mean_reward": "pairs/mean_score",
    "min_reward": "pairs/min_score", "max_reward": "pairs/max_score",
}  # fmt: skip


@dataclass(frozen=True)
class TokenizedPair:
    """A pair as the model reads it; both answers with their end token."""

    pair: Pair
    prompt_ids: tuple[int, ...]
    chosen_ids: tuple[int, ...]
    rejected_ids: tuple[int, ...]

    def as_example(self) -> dict[str, list[int]]:
        """For TRL's collators: DPO's takes the prompt apart, the reward trainer's does not."""
        return {
            "prompt_ids": list(self.prompt_ids),
            "chosen_ids": list(self.chosen_ids),
            "rejected_ids": list(self.rejected_ids),
        }

    def judged(self, chosen: float, rejected: float) -> JudgedPair:
        return JudgedPair(
            chosen, rejected, len(self.chosen_ids), len(self.rejected_ids),
            prompt_key(self.pair.messages), self.pair.margin,
        )  # fmt: skip


Collate = Callable[[list[dict[str, Any]]], dict[str, Any]]


class WholeJudgements:
    """Makes a batch of judgements: all their pairs, one after the other, for TRL's collator.

    `joined`: for a trainer that reads prompt and answer as one text.
    """

    def __init__(self, collate: Collate, *, joined: bool) -> None:
        self._collate, self._joined = collate, joined

    def __call__(self, judgements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return self.of_pairs(chain.from_iterable(j["pairs"] for j in judgements))

    def of_pairs(self, pairs: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        return self._collate([_join(pair) if self._joined else dict(pair) for pair in pairs])


def _join(pair: Mapping[str, Any]) -> dict[str, Any]:
    return {name: pair["prompt_ids"] + pair[name] for name in ("chosen_ids", "rejected_ids")}


class Pairwise(Recorded):
    """Mix it in before one of TRL's trainers of pairs, whose collator is a `WholeJudgements`."""

    data_collator: Any
    _metrics: Any
    _total_train_tokens: int

    def attach(self, parts: StageParts) -> None:
        super().attach(parts)
        assert parts.pairs is not None
        self.held_out = tokenize_pairs(parts, parts.pairs.validation_pairs)

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """TRL would render and cut the texts its own way: `make_judgements` has done it ours."""
        return dataset

    def score_answers(self, batch: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
        """What the method holds of the chosen and of the rejected answers, (pairs,) each."""
        raise NotImplementedError

    @property
    def samples_validation(self) -> bool:
        """A reward model writes no answers that could be looked at."""
        leaves_policy = get_method(self.parts.config.method).leaves == "policy"
        return leaves_policy and self.recorder.can_validate

    @property
    def validates(self) -> bool:
        can = self.samples_validation or bool(self.held_out)
        return self.parts.config.eval_steps > 0 and can

    def _validate(self) -> dict[str, float]:
        began_at, what = time.time(), f"{len(self.held_out):,} held-out pairs"

        def show(judged: int) -> None:
            self.check_stop()
            done = PartsDone(judged, len(self.held_out), began_at)
            self.recorder.pulse("validating", what, done)

        self.recorder.set_phase("validating", what)
        self.recorder.hold_validation(summarise_pairs(self.judge(self.held_out, show)))
        if self.samples_validation:
            return super()._validate()
        return self.recorder.record_validation(self.step, [], [], self.check_stop)

    def judge(
        self, pairs: Sequence[TokenizedPair], on_portion: OnStep = ignore_steps
    ) -> list[JudgedPair]:
        """Every pair's scores, without a trace in the training: no gradient, no random number.

        `on_portion` is given the number of pairs so far, and raises to end it.
        """
        judged: list[JudgedPair] = []
        with evaluating(self.model), own_randomness(self.args.seed), torch.no_grad():
            for portion in self._in_portions(pairs):
                on_portion(len(judged))
                batch = self.data_collator.of_pairs(pair.as_example() for pair in portion)
                batch = {name: tensor.to(self.args.device) for name, tensor in batch.items()}
                scores = (part.tolist() for part in self.score_answers(batch))
                judged += [
                    pair.judged(*found)
                    for pair, *found in zip(portion, *scores, strict=True)
                ]  # fmt: skip
        return judged

    def _in_portions(self, pairs: Sequence[TokenizedPair]) -> Iterator[Sequence[TokenizedPair]]:
        size = max(1, self.args.per_device_eval_batch_size // 2)  # a pair is two answers
        for start in range(0, len(pairs), size):
            yield pairs[start : start + size]

    def training_step(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
        self.recorder.add_tokens(int(inputs["attention_mask"].sum()))
        return super().training_step(model, inputs, *args, **kwargs)

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """TRL's measures under our names. Where nothing is told apart yet, TRL calls all wrong."""
        measured = self._metrics["train"]
        for theirs, ours in NAMES.items():
            if theirs in measured:
                measured[ours] = measured.pop(theirs)
        if measured.get("pairs/margin") and not any(measured["pairs/margin"]):
            measured["pairs/accuracy"] = [0.5]
        super().log(logs, *args, **kwargs)

    def _save_own_state(self, folder: Path) -> None:
        """TRL's own count of tokens, which it forgets on resume."""
        (folder / COUNT_NAME).write_text(json.dumps(self._total_train_tokens), encoding="utf-8")

    def _load_own_state(self, folder: Path) -> None:
        self._total_train_tokens = json.loads((folder / COUNT_NAME).read_text(encoding="utf-8"))


def make_judgements(parts: StageParts) -> Dataset:
    """The training pairs as items: those of one group together, any other alone."""
    assert parts.pairs is not None
    groups: dict[str | int, list[dict[str, list[int]]]] = {}
    tokenized = tokenize_pairs(parts, parts.pairs.train_pairs)
    for number, one in enumerate(tokenized):
        groups.setdefault(one.pair.group or number, []).append(one.as_example())
    return Dataset.from_list([{"pairs": pairs} for pairs in groups.values()])


def tokenize_pairs(parts: StageParts, pairs: Sequence[Pair]) -> list[TokenizedPair]:
    """Raises BadInputError for a pair that exceeds the model's context."""
    tokenizer, end = parts.tokenizer, find_end_token(parts.tokenizer, parts.recorder.end_tokens)
    context = getattr(parts.model.config.get_text_config(), "max_position_embeddings", None)

    def read(text: str) -> tuple[int, ...]:
        return (*tokenizer(text, add_special_tokens=False)["input_ids"], end)

    found = []
    for number, pair in enumerate(pairs, start=1):
        prompt = tuple(render_prompt(tokenizer, pair.messages)[1])
        one = TokenizedPair(pair, prompt, read(pair.chosen), read(pair.rejected))
        longest = len(prompt) + max(len(one.chosen_ids), len(one.rejected_ids))
        if context is not None and longest > context:
            raise BadInputError(
                f"Pair {number} has {longest} tokens, its prompt included",
                f"The model's context is {context}",
                "Leave it out, or choose a model with a longer context",
            )
        found.append(one)
    return found


def shared_arguments(parts: StageParts) -> dict[str, Any]:
    """What every trainer of pairs is told: texts are whole, and an item is a judgement, which the
    collator takes apart."""
    return {**parts.trl_arguments(), "max_length": None, "remove_unused_columns": False}


def find_padding(tokenizer: Any) -> int:
    """Any token will do: the mask hides it."""
    found = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if found is None else found)
