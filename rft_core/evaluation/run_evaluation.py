"""Evaluating runs by name: the base and each run's newest adapter, on the same rows.

Loads no torch: the generation service samples. Which rows are used is `held_out.py`'s to say, what
counts as right `rewards/deciding.py`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.errors import BadInputError, RftError
from rft_core.evaluation.held_out import HELD_OUT_PROMPTS, HeldOut, find_held_out
from rft_core.evaluation.known import BASE, get_samples, make_key, with_seed
from rft_core.evaluation.suite import Contender, Evaluation, evaluate
from rft_core.rewards.completion_text import from_anywhere
from rft_core.rewards.contract import Batch
from rft_core.rewards.deciding import find_deciding, is_right
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import LoadProgress, SamplingParams
from rft_core.sampling.settings import EngineName, choose_engine, run_settings
from rft_core.store.adapters import get_adapter
from rft_core.store.evaluations import (
    JudgedSample,
    add_request,
    find_evaluation,
    get_newest_request,
)
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.types import Completion, Messages

PORTION = 8  # prompts that are judged together, about as many as in a step of training

OnModelProgress = Callable[[str, LoadProgress], None]


@dataclass(frozen=True)
class EvaluationPlan:
    """What is about to be measured, and how: `describe` it to whoever has to trust the numbers."""

    runs_dir: Path
    config: RunConfig  # of the first run
    settings_of: str  # its id
    held_out: HeldOut
    contenders: tuple[Contender, ...]
    engine: EngineName
    params: SamplingParams
    request: Mapping[str, Any] = field(default_factory=dict)  # what `plan_evaluation` was given

    def key(self, contender: Contender) -> str:
        """What the contender's stored samples are known by."""
        return make_key(self.held_out, contender, self.config, self.params, self.engine)

    def progress_share(self, label: str, fraction: float | None) -> float:
        """How much is done, 0 to 1, while `fraction` of that contender is: None while it loads."""
        place = [contender.label for contender in self.contenders].index(label)
        return min((place + (fraction or 0.0)) / len(self.contenders), 1.0)

    def describe(self) -> str:
        count, params = len(self.held_out.rows), self.params
        judges = [entry.name for entry in find_deciding(self.held_out.reward_set)]
        rows = {
            "held-out": "held-out rows: no run has trained on them or used them for validation",
            "validation": "validation rows: not trained on, but looked at during training",
        }[self.held_out.source]
        return (
            f"{self.held_out.task}, {count:,} {rows}. Judged by "
            f"{', '.join(judges)}. Sampled with the settings of "
            f"{self.settings_of}: temperature {params.temperature:g}, top_p {params.top_p:g}, "
            f"top_k {params.top_k}, at most {params.max_completion_length} tokens, by "
            f"{self.engine} in {self.config.dtype}."
        )


def plan_evaluation(
    runs_dir: Path,
    run_ids: Sequence[str],
    *,
    task: str | None = None,
    num_prompts: int = HELD_OUT_PROMPTS,
    seed: int = 0,
) -> EvaluationPlan:
    """The base first, then each run's newest adapter, on the same rows and random numbers.

    The settings are the first run's, but none is cut off sooner than in its training.
    """
    with open_index(runs_dir) as index:
        runs = [get_run(index, run_id) for run_id in run_ids]
    _check_models(runs)
    config = runs[0].config
    held_out = find_held_out(runs_dir, runs, task=task, num_prompts=num_prompts, seed=seed)
    contenders = [Contender(BASE), *(find_contender(runs_dir, run.id) for run in runs)]
    params = SamplingParams(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        max_completion_length=max(run.config.max_completion_length for run in runs),
        seed=seed,
    )
    request = {"runs": list(run_ids), "task": task, "num_prompts": num_prompts, "seed": seed}
    return EvaluationPlan(
        runs_dir, config, runs[0].id, held_out, tuple(contenders), choose_engine(config), params,
        request,
    )  # fmt: skip


def run_evaluation(
    plan: EvaluationPlan,
    *,
    k: int = 1,
    vote: bool = False,
    on_progress: OnModelProgress | None = None,
) -> list[Evaluation]:
    """A result per contender. `vote` adds the majority vote over k completions.

    What is stored is not sampled or judged again. `on_progress` is told the contender's label.
    """
    config, held_out = plan.config, plan.held_out
    client = GenerationClient(plan.runs_dir, run_settings(config))
    with Scorer(held_out.reward_set, timeout=config.reward_timeout) as scorer:
        made = [
            get_samples(
                plan.runs_dir,
                plan.key(contender),
                (contender, held_out, plan.params),
                k,
                sample=lambda n, seed, model=contender: client.sample(  # type: ignore[misc]
                    config.model,
                    held_out.prompts,
                    n,
                    with_seed(plan.params, seed),
                    adapter=model.adapter,
                    on_progress=on_progress and partial(on_progress, model.label),
                ),
                judge=lambda groups: judge(scorer, held_out, groups),
            )
            for contender in plan.contenders
        ]
    with open_index(plan.runs_dir) as index:
        add_request(index, dict(plan.request) | {"k": k, "vote": vote})
    return _summarise(plan, k, vote, made)


def recall_evaluation(runs_dir: Path) -> tuple[EvaluationPlan, list[Evaluation]] | None:
    """The newest evaluation, from what is stored; None where it is not known whole any more."""
    with open_index(runs_dir) as index:
        request = get_newest_request(index)
    if request is None:
        return None
    k, vote = int(request.pop("k")), bool(request.pop("vote"))
    try:
        plan = plan_evaluation(runs_dir, request.pop("runs"), **request)
        keys = [plan.key(contender) for contender in plan.contenders]
    except (RftError, OSError):  # a run, its adapter or its prompts are gone
        return None
    with open_index(runs_dir) as index:
        found = [find_evaluation(index, key) for key in keys]
    known = [evaluation.groups for evaluation in found if evaluation and evaluation.k >= k]
    if len(known) < len(found):
        return None
    return plan, _summarise(plan, k, vote, [[group[:k] for group in groups] for groups in known])


def _summarise(
    plan: EvaluationPlan,
    k: int,
    vote: bool,
    made: Sequence[Sequence[Sequence[JudgedSample]]],
) -> list[Evaluation]:
    waiting = iter(made)

    def sample(prompts: Sequence[Messages], n: int, adapter: Path | None) -> list[list[Completion]]:
        return [[Completion(s.text, (), s.truncated) for s in group] for group in next(waiting)]

    verdicts = iter([[[s.verdict for s in group] for group in groups] for groups in made])
    return evaluate(
        plan.held_out.task,
        plan.held_out.rows,
        plan.held_out.prompts,
        plan.contenders,
        source=plan.held_out.source,
        sample=sample,
        judge=lambda rows, groups: next(verdicts),
        k=k,
        extract_answer=(lambda text: from_anywhere(text).text) if vote else None,
        seed=plan.params.seed,
    )


def find_contender(runs_dir: Path, run_id: str) -> Contender:
    """The run with its finished adapter, or else the one of its newest checkpoint."""
    adapter = get_adapter(runs_dir, run_id)
    return Contender(run_id, adapter.path, adapter.step)


def judge(
    scorer: Scorer, held_out: HeldOut, groups: Sequence[Sequence[Completion]]
) -> list[list[bool | None]]:
    """Verdicts of the groups' shape. The rewards' time is of a portion, not of everything."""
    asked = list(zip(held_out.prompts, held_out.rows, groups, strict=True))
    samples = [(prompt, row, completion) for prompt, row, group in asked for completion in group]
    verdicts: list[bool | None] = []
    size = PORTION * max((len(group) for group in groups), default=1)  # whole groups
    for start in range(0, len(samples), size):
        portion = samples[start : start + size]
        batch = Batch(
            prompts=[prompt for prompt, _, _ in portion],
            completions=[completion.text for _, _, completion in portion],
            rows=[row for _, row, _ in portion],
            completion_ids=[completion.token_ids for _, _, completion in portion],
        )
        verdicts += [is_right(held_out.reward_set, s) for s in scorer.score(batch).samples]
    left = iter(verdicts)
    return [[next(left) for _ in group] for group in groups]


def _check_models(runs: Sequence[RunRow]) -> None:
    if not runs:
        raise BadInputError("There is no run to evaluate", "", "Name at least one")
    models = sorted({run.config.model for run in runs})
    if len(models) > 1:
        raise BadInputError(
            "These runs cannot be compared",
            f"They tuned different models: {', '.join(models)}",
            "Evaluate them one by one",
        )
