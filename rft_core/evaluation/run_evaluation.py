"""Evaluating runs by name: the base and each run's newest adapter, on the same rows.

Loads no torch: the generation service samples. Which rows are used is `held_out.py`'s to say, what
counts as right `rewards/deciding.py`'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.errors import BadInputError
from rft_core.evaluation.held_out import HELD_OUT_PROMPTS, HeldOut, find_held_out
from rft_core.evaluation.suite import Contender, Evaluation, evaluate
from rft_core.rewards.completion_text import from_anywhere
from rft_core.rewards.contract import Batch
from rft_core.rewards.deciding import find_deciding, is_right
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.service.client import GenerationClient, ProgressCallback
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.settings import EngineName, choose_engine, run_settings
from rft_core.store.adapters import get_adapter
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.types import Completion, Messages

BASE = "base"


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

    def describe(self) -> str:
        count, params = len(self.held_out.rows), self.params
        judges = [entry.name for entry in find_deciding(self.held_out.reward_set.entries)]
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
    return EvaluationPlan(
        runs_dir, config, runs[0].id, held_out, tuple(contenders), choose_engine(config), params
    )


def run_evaluation(
    plan: EvaluationPlan,
    *,
    k: int = 1,
    vote: bool = False,
    on_progress: ProgressCallback | None = None,
) -> list[Evaluation]:
    """A result per contender. `vote` adds the majority vote over k completions."""
    config, held_out, seed = plan.config, plan.held_out, plan.params.seed
    client = GenerationClient(plan.runs_dir, run_settings(config))

    def sample(prompts: Sequence[Messages], n: int, adapter: Path | None) -> list[list[Completion]]:
        return client.sample(
            config.model, prompts, n, plan.params, adapter=adapter, on_progress=on_progress
        )

    with Scorer(held_out.reward_set, timeout=config.reward_timeout) as scorer:
        return evaluate(
            held_out.task,
            held_out.rows,
            held_out.prompts,
            plan.contenders,
            source=held_out.source,
            sample=sample,
            judge=lambda rows, groups: judge(scorer, held_out, groups),
            k=k,
            extract_answer=(lambda text: from_anywhere(text).text) if vote else None,
            seed=seed,
        )


def find_contender(runs_dir: Path, run_id: str) -> Contender:
    """The run with its finished adapter, or else the one of its newest checkpoint."""
    return Contender(run_id, get_adapter(runs_dir, run_id).path)


def judge(
    scorer: Scorer, held_out: HeldOut, groups: Sequence[Sequence[Completion]]
) -> list[list[bool | None]]:
    """Verdicts of the groups' shape."""
    asked = list(zip(held_out.prompts, held_out.rows, groups, strict=True))
    batch = Batch(
        prompts=[prompt for prompt, _, group in asked for _ in group],
        completions=[completion.text for group in groups for completion in group],
        rows=[row for _, row, group in asked for _ in group],
        completion_ids=[completion.token_ids for group in groups for completion in group],
    )
    verdicts = iter([is_right(held_out.reward_set, s) for s in scorer.score(batch).samples])
    return [[next(verdicts) for _ in group] for group in groups]


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
