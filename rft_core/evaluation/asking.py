"""One question, answered many times by the base and by a run's adapter, and scored.

What an evaluation is for many rows, this is for one: each answer has a seed of its own, and is what
Chat shows for that seed. Loads no torch: the generation service samples.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, quote
from rft_core.evaluation.known import BASE
from rft_core.evaluation.results import Contender
from rft_core.rewards.completion_text import from_anywhere
from rft_core.rewards.contract import Batch, RewardSet, Scored
from rft_core.rewards.deciding import is_right
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.client import GenerationClient, ProgressCallback
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.settings import run_settings
from rft_core.store.adapters import get_adapter
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from rft_core.store.sets import get_set
from rft_core.tasks import TASKS
from rft_core.types import Completion, Messages, Row

TUNED = "tuned"


@dataclass(frozen=True)
class AskPlan:
    """What a run's models are asked, and how. `row` None: free text, which nothing can score."""

    runs_dir: Path
    config: RunConfig
    messages: Messages
    row: Row | None
    rewards: RewardSet | None  # None: nothing says what is right
    contenders: tuple[Contender, ...]  # the base, then the adapter
    params: SamplingParams  # its seed is the first one


@dataclass(frozen=True)
class Answer:
    """One completion. `right` None: it was not scored, or could not be judged."""

    seed: int
    completion: Completion
    scored: Scored | None
    right: bool | None

    @property
    def final(self) -> str | None:
        """The answer that it settles for; None where it gives none, or several."""
        return from_anywhere(self.completion.text).text

    def to_json(self) -> dict[str, Any]:
        scored = self.scored
        return {
            "seed": self.seed,
            "completion": self.completion.text,
            "answer": self.final,
            "truncated": self.completion.truncated,
            "right": self.right,
            "reward": scored.reward if scored else None,
            "scores": dict(scored.scores) if scored else {},
            "reasons": dict(scored.reasons) if scored else {},
            "flags": list(scored.flags) if scored else [],
        }


@dataclass(frozen=True)
class Answers:
    """What one contender said, in the order of the seeds."""

    contender: Contender
    answers: tuple[Answer, ...]

    @property
    def is_scored(self) -> bool:
        return any(answer.scored for answer in self.answers)

    @property
    def num_right(self) -> int:
        return sum(answer.right is True for answer in self.answers)

    @property
    def num_judged(self) -> int:
        return sum(answer.right is not None for answer in self.answers)


def plan_question(
    runs_dir: Path,
    run_id: str,
    *,
    row: Row | None = None,
    text: str | None = None,
    checkpoint: int | None = None,
    temperature: float | None = None,
    max_completion_length: int | None = None,
    seed: int = 0,
) -> AskPlan:
    """Either a row, asked through the run's template and scored by its rewards, or free text.

    `checkpoint`: the step of another adapter than the newest. Sampling settings that are None are
    those of the run. Raises `BadInputError` for a row that the template or the task cannot take.
    """
    if (row is None) == (text is None):
        raise BadInputError("There is not one question", "", "Give either a row or a text")
    with open_index(runs_dir) as index:
        config = get_run(index, run_id).config
    adapter = get_adapter(runs_dir, run_id, checkpoint)
    params = SamplingParams.of(config, seed)
    params = replace(
        params,
        temperature=params.temperature if temperature is None else temperature,
        max_completion_length=max_completion_length or params.max_completion_length,
    )
    messages: Messages = [{"role": "user", "content": text or ""}]
    rewards = None
    if row is not None:
        messages, rewards = _pose(runs_dir, config, row)
    contenders = (Contender(BASE), Contender(TUNED, adapter.path, run_id, adapter.step))
    return AskPlan(runs_dir, config, messages, row, rewards, contenders, params)


def _pose(runs_dir: Path, config: RunConfig, row: Row) -> tuple[Messages, RewardSet | None]:
    """The row as the run's template asks for it; its task's rewards where the run has none."""
    with open_index(runs_dir) as index:
        prompts = PromptSet.from_json(get_set(index, "prompts", config.prompt_set or "").content)
        messages = prompts.ask(row)
        rewards = None
        if config.reward_set:
            content = get_set(index, "rewards", config.reward_set).content
            rewards = RewardSet.from_json(content)
    task = TASKS.get(config.task)
    if task and rewards in (None, task.reward_set):
        task.check_row(row)
        return messages, task.reward_set
    return messages, rewards


def ask(plan: AskPlan, n: int, on_progress: ProgressCallback | None = None) -> list[Answers]:
    """`n` answers of each contender, with the seeds from `params.seed` on."""
    params = plan.params
    seeds = range(params.seed, params.seed + n)
    client = GenerationClient(plan.runs_dir, run_settings(plan.config))

    def sample(contender: Contender, seed: int) -> Completion:
        [[completion]] = client.sample(
            plan.config.model,
            [plan.messages],
            1,
            replace(params, seed=seed),
            adapter=contender.adapter,
            on_progress=on_progress,
        )
        return completion

    sampled = [
        (contender, [sample(contender, seed) for seed in seeds]) for contender in plan.contenders
    ]
    scored = iter(_score(plan, [c for _, completions in sampled for c in completions]))
    return [
        Answers(
            contender,
            tuple(
                _judge(plan, seed, completion, next(scored))
                for seed, completion in zip(seeds, completions, strict=True)
            ),
        )
        for contender, completions in sampled
    ]


def read_row(text: str) -> dict[str, Any]:
    """A row from its JSON. Raises `BadInputError` for anything but an object."""
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInputError(
            f"The row {quote(text)} is not JSON", str(error), 'Write {"column": value, ...}'
        ) from error
    if not isinstance(row, dict):
        raise BadInputError(
            f"The row {quote(text)} is not an object", "", 'Write {"column": value, ...}'
        )
    return row


def _score(plan: AskPlan, completions: Sequence[Completion]) -> list[Scored | None]:
    if plan.row is None or plan.rewards is None:
        return [None] * len(completions)
    batch = Batch(
        prompts=[plan.messages] * len(completions),
        completions=[completion.text for completion in completions],
        rows=[plan.row] * len(completions),
        completion_ids=[completion.token_ids for completion in completions],
    )
    with Scorer(plan.rewards, timeout=plan.config.reward_timeout) as scorer:
        return list(scorer.score(batch).samples)


def _judge(plan: AskPlan, seed: int, completion: Completion, scored: Scored | None) -> Answer:
    right = is_right(plan.rewards, scored) if plan.rewards and scored else None
    return Answer(seed, completion, scored, right)
