"""Evaluating runs by name: the base, each run's newest adapter or that of a step, on the same rows.

Loads no torch: the generation service samples. Which rows are used is `held_out.py`'s to say, what
counts as right `rewards/deciding.py`'s.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.errors import BadInputError
from rft_core.evaluation.held_out import HELD_OUT_PROMPTS, HeldOut, find_held_out
from rft_core.evaluation.known import BASE, get_samples, get_scores, make_key, with_seed
from rft_core.evaluation.records import EvaluationRecord, Matchup, make_matchup, save_record
from rft_core.evaluation.reranking import Reranker
from rft_core.evaluation.results import Contender, Judged
from rft_core.model_files import model_summary
from rft_core.rewards.contract import Batch
from rft_core.rewards.deciding import find_deciding, is_right, without_taste
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.reward_models import RewardModels
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import SAMPLING, LoadProgress, SamplingParams
from rft_core.sampling.settings import EngineName, choose_engine, run_settings
from rft_core.store.adapters import get_adapter
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.types import Completion

RENDERED = 50  # prompts that are looked at to see whether they fit
PORTION = 8  # prompts that are judged together, about as many as in a step of training

# How much of all is done, 0 to 1, and what the model says of itself.
OnModelProgress = Callable[[float, LoadProgress], None]


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
    contenders: Sequence[str],
    *,
    task: str | None = None,
    num_prompts: int = HELD_OUT_PROMPTS,
    seed: int = 0,
) -> EvaluationPlan:
    """The base first, then each contender, on the same rows and random numbers.

    A contender is RUN, with its newest adapter, or RUN@STEP, with that of a checkpoint. The
    settings are the first run's, but none is cut off sooner than in its training.
    """
    with open_index(runs_dir) as index:
        runs = [get_run(index, name.partition("@")[0]) for name in contenders]
    _check_models(runs)
    config = runs[0].config
    held_out = find_held_out(runs_dir, runs, task=task, num_prompts=num_prompts, seed=seed)
    tuned = [find_contender(runs_dir, name) for name in dict.fromkeys(contenders)]
    longest = max(run.config.max_completion_length for run in runs)
    params = replace(SamplingParams.of(config, seed), max_completion_length=longest)
    return EvaluationPlan(
        runs_dir, config, runs[0].id, held_out, (Contender(BASE), *tuned), choose_engine(config),
        params,
    )  # fmt: skip


def run_evaluation(
    plan: EvaluationPlan,
    *,
    k: int = 1,
    vote: bool = True,
    rerank: Reranker | None = None,
    regression: EvaluationPlan | None = None,
    on_progress: OnModelProgress | None = None,
) -> EvaluationRecord:
    """Sample and judge what is missing, and record what was found.

    `vote` counts the answers of the k samples, `rerank` picks one of them by score, `regression` is
    the same contenders on another task, measured second.
    """
    if rerank and k < 2:
        raise BadInputError(
            "There is nothing to rerank",
            "Each prompt gets one completion",
            "Ask for two or more: --k 8",
        )
    if regression:
        check_prompts_fit(regression)
    plans = [plan, regression] if regression else [plan]
    main, *second = [
        _measure(one, k, vote, rerank, on_progress and _part_of(on_progress, place, len(plans)))
        for place, one in enumerate(plans)
    ]
    return save_record(
        plan.runs_dir, main, second[0] if second else None, k=k, vote=vote,
        rerank=(rerank.name, rerank.id) if rerank else None, seed=plan.params.seed,
    )  # fmt: skip


def check_prompts_fit(plan: EvaluationPlan) -> None:
    """Raise `BadInputError` where the model has no room for the prompts of this plan's task."""
    summary = model_summary(plan.config.model)
    limit = summary.context_length if summary else None
    if limit is None:
        return
    client = GenerationClient(plan.runs_dir)
    rendered = client.render(plan.config.model, list(plan.held_out.prompts)[:RENDERED])
    longest = max(len(prompt.token_ids) for prompt in rendered)
    needed = longest + plan.params.max_completion_length
    if needed > limit:
        raise BadInputError(
            f"The prompts of '{plan.held_out.task}' do not suit the model",
            f"'{plan.config.model}' reads {limit} tokens; a prompt takes up to {longest}, and an "
            f"answer up to {plan.params.max_completion_length} more",
            "Choose another task to see what was forgotten",
        )


def _measure(
    plan: EvaluationPlan,
    k: int,
    vote: bool,
    rerank: Reranker | None,
    on_progress: OnModelProgress | None,
) -> Matchup:
    """What is stored is not sampled, judged or scored again."""
    held_out, keys, made = plan.held_out, [], []
    with Scorer(
        without_taste(held_out.reward_set),
        timeout=plan.config.reward_timeout,
        open_reward_model=RewardModels(plan.runs_dir),
    ) as scorer:
        for contender in plan.contenders:
            key = plan.key(contender)
            sampled = get_samples(
                plan.runs_dir,
                key,
                (contender, held_out, plan.params),
                k,
                sample=partial(_sample, plan, contender, on_progress),
                judge=lambda groups: judge(scorer, held_out, groups),
            )
            if rerank:
                sampled = get_scores(plan.runs_dir, key, sampled, held_out.prompts, rerank)
            keys.append(key)
            made.append(sampled)
    return make_matchup(held_out, plan.describe(), keys, made, vote=vote, seed=plan.params.seed)


def _part_of(on_progress: OnModelProgress, place: int, count: int) -> OnModelProgress:
    return lambda share, progress: on_progress((place + share) / count, progress)


def _sample(
    plan: EvaluationPlan,
    contender: Contender,
    on_progress: OnModelProgress | None,
    n: int,
    seed: int,
) -> tuple[list[list[Completion]], float | None]:
    """Groups of n, and the seconds from when the model began to write; None if it never said so."""
    begun: list[float] = []

    def watch(progress: LoadProgress) -> None:
        if progress.message.startswith(SAMPLING) and not begun:
            begun.append(time.perf_counter())
        if on_progress:
            on_progress(plan.progress_share(contender.label, progress.fraction), progress)

    client = GenerationClient(plan.runs_dir, run_settings(plan.config))
    groups = client.sample(
        plan.config.model, plan.held_out.prompts, n, with_seed(plan.params, seed),
        adapter=contender.adapter, on_progress=watch,
    )  # fmt: skip
    return groups, time.perf_counter() - begun[0] if begun else None


def find_contender(runs_dir: Path, name: str) -> Contender:
    """RUN with its finished adapter, or else its newest checkpoint; RUN@STEP with that one's."""
    run_id, at, step = name.partition("@")
    if at and not step.isdecimal():
        raise BadInputError(
            f"'{name}' names no checkpoint", f"'{step}' is no step", "Write RUN@STEP, as run-1@40"
        )
    adapter = get_adapter(runs_dir, run_id, int(step) if at else None)
    return Contender(name, adapter.path, run_id, adapter.step)


def judge(
    scorer: Scorer, held_out: HeldOut, groups: Sequence[Sequence[Completion]]
) -> list[list[Judged]]:
    """Of the groups' shape. The rewards' time is of a portion, not of everything."""
    asked = list(zip(held_out.prompts, held_out.rows, groups, strict=True))
    samples = [(prompt, row, completion) for prompt, row, group in asked for completion in group]
    judged: list[Judged] = []
    size = PORTION * max((len(group) for group in groups), default=1)  # whole groups
    for start in range(0, len(samples), size):
        portion = samples[start : start + size]
        batch = Batch(
            prompts=[prompt for prompt, _, _ in portion],
            completions=[completion.text for _, _, completion in portion],
            rows=[row for _, row, _ in portion],
            completion_ids=[completion.token_ids for _, _, completion in portion],
        )
        scored = scorer.score(batch).samples
        judged += [Judged(is_right(held_out.reward_set, s), s.answer) for s in scored]
    left = iter(judged)
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
