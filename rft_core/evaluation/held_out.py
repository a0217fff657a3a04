"""Evaluating runs by name: finds their rows, adapters and rewards, and feeds the suite.

A built-in task is evaluated on rows that are neither trained on nor used for validation; a custom
one on the validation rows of its prompt set. A completion is right when the function that says so
(`correctness`, or Countdown's `equation`) gives it 1; a reward set without one must give the full
score in every function that counts. Loads no torch: the generation service samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.errors import BadInputError, NotFoundError
from rft_core.evaluation.suite import Contender, Evaluation, evaluate
from rft_core.generation.client import GenerationClient, ProgressCallback
from rft_core.generation.protocol import Completion, SamplingParams
from rft_core.prompts import Message, PromptSet
from rft_core.rewards.composition import Scorer
from rft_core.rewards.contract import Batch, Messages, RewardSet, Row, Scored
from rft_core.rewards.extraction import from_anywhere
from rft_core.store.adapters import list_adapters
from rft_core.store.index import RunRow, get_prompt_set, get_reward_set, get_run, open_index
from rft_core.tasks import TASKS, get_task

BASE = "base"
CORRECTNESS_NAMES = ("correctness", "equation")
HELD_OUT_PROMPTS = 200


@dataclass(frozen=True)
class HeldOut:
    """What all contenders are asked, and what judges their completions."""

    task: str
    rows: Sequence[Row]
    prompts: Sequence[list[Message]]
    reward_set: RewardSet


def evaluate_runs(
    runs_dir: Path,
    run_ids: Sequence[str],
    *,
    task: str | None = None,
    num_prompts: int = HELD_OUT_PROMPTS,
    k: int = 1,
    vote: bool = False,
    seed: int = 0,
    on_progress: ProgressCallback | None = None,
) -> list[Evaluation]:
    """The base first, then each run's newest adapter, on the same rows and random numbers.

    Sampling settings are those of the first run. `vote` adds the majority vote over k completions.
    """
    with open_index(runs_dir) as index:
        runs = [get_run(index, run_id) for run_id in run_ids]
    config = _check_comparable(runs)
    held_out = find_held_out(runs_dir, config, task=task, num_prompts=num_prompts, seed=seed)
    contenders = [Contender(BASE), *(find_contender(runs_dir, run.id) for run in runs)]
    client = GenerationClient(runs_dir, engine=config.engine)
    params = SamplingParams(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        max_completion_length=max(run.config.max_completion_length for run in runs),
        seed=seed,
    )

    def sample(prompts: Sequence[Messages], n: int, adapter: Path | None) -> list[list[Completion]]:
        return client.sample(
            config.model, prompts, n, params, adapter=adapter, on_progress=on_progress
        )

    with Scorer(held_out.reward_set, timeout=config.reward_timeout) as scorer:
        return evaluate(
            held_out.task,
            held_out.rows,
            held_out.prompts,
            contenders,
            sample=sample,
            judge=lambda rows, groups: judge(scorer, held_out, groups),
            k=k,
            extract_answer=(lambda text: from_anywhere(text).text) if vote else None,
            seed=seed,
        )


def find_held_out(
    runs_dir: Path,
    config: RunConfig,
    *,
    task: str | None = None,
    num_prompts: int = HELD_OUT_PROMPTS,
    seed: int = 0,
) -> HeldOut:
    """The rows, prompts and rewards on which a run of this configuration is evaluated.

    `task` asks for another built-in task than the run's own.
    """
    name = task or config.task
    own = get_task(name) if task or name in TASKS else None
    if own and own.make_rows:
        rows = own.held_out(num_prompts, seed)
        return HeldOut(name, rows, [own.prompt(row) for row in rows], own.reward_set)
    if name != config.task:
        raise BadInputError(
            f"The task '{name}' brings no rows of its own", "", "Evaluate a run of that task"
        )
    with open_index(runs_dir) as index:
        prompts = PromptSet.from_json(get_prompt_set(index, config.prompt_set or "").content)
        rewards = RewardSet.from_json(get_reward_set(index, config.reward_set or "").content)
    chosen = prompts.validation_rows[:num_prompts]
    reward_set = own.reward_set if own else rewards
    return HeldOut(name, chosen, prompts.prompts(chosen), reward_set)


def find_contender(runs_dir: Path, run_id: str) -> Contender:
    """The run with its finished adapter, or else the one of its newest checkpoint."""
    adapters = list_adapters(runs_dir, run_id)
    if not adapters:
        raise NotFoundError(
            f"Run '{run_id}' has no adapter yet", "", "Wait for its first checkpoint, or stop it"
        )
    return Contender(run_id, adapters[0].path)


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


def is_right(reward_set: RewardSet, scored: Scored) -> bool | None:
    """None: it could not be judged."""
    names = [name for name in CORRECTNESS_NAMES if name in reward_set.names][:1]
    deciding = names or [entry.name for entry in reward_set.entries if entry.weight > 0]
    scores = [scored.scores[name] for name in deciding]
    if any(score is None for score in scores):
        return None
    return all(score is not None and score >= 1 for score in scores)


def _check_comparable(runs: Sequence[RunRow]) -> RunConfig:
    if not runs:
        raise BadInputError("There is no run to evaluate", "", "Name at least one")
    models = sorted({run.config.model for run in runs})
    if len(models) > 1:
        raise BadInputError(
            "These runs cannot be compared", f"They tuned different models: {', '.join(models)}"
        )
    return runs[0].config
