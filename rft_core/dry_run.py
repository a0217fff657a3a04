"""A dry run: sample groups from a model, score them, and say what training would begin with.

Everything that the first training step would compute from the same completions is computed here:
scores, reasons, rewards, advantages. Nothing is stored. Loads no torch.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from rft_core.config import RunConfig
from rft_core.data.split import draw_rows
from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.diagnosis.preflight.prompts import PassRule
from rft_core.diagnosis.preflight.report import Preflight, check_dry_run
from rft_core.diagnosis.preflight.warnings import chance_warning
from rft_core.paths import get_runs_dir
from rft_core.planning import estimate
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.answers.matching import read_choices
from rft_core.rewards.consistency import find_inconsistencies
from rft_core.rewards.contract import Batch, RewardSet, Scoring
from rft_core.rewards.jailed.calls import SAID
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.reward_models import RewardModels
from rft_core.sampling.service.client import GenerationClient, ProgressCallback
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.settings import run_settings
from rft_core.types import Completion, Messages, Problem, Row

R = TypeVar("R", bound=Row)
TAIL = 80  # characters


@dataclass(frozen=True)
class Sampling:
    """One group of completions per prompt, and the seconds that sampling alone took.

    `prompt_tail`: how the first prompt ends as the model sees it, with the chat template.
    """

    groups: tuple[tuple[Completion, ...], ...]
    seconds: float
    prompt_tail: str = ""


@dataclass(frozen=True)
class DryRun:
    """`data.scoring.samples` and `advantages` are flat: the groups one after the other."""

    rows: tuple[Row, ...]
    prompts: tuple[Messages, ...]
    groups: tuple[tuple[Completion, ...], ...]
    data: DryRunData
    advantages: tuple[float, ...]
    preflight: Preflight

    @property
    def scoring(self) -> Scoring:
        return self.data.scoring

    def with_warnings(self, more: Sequence[Problem]) -> DryRun:
        """The same with warnings that were found elsewhere: of the whole set, for one."""
        return replace(self, preflight=self.preflight.with_warnings(more))

    @property
    def extras(self) -> dict[str, dict[str, Sequence[str]]]:
        """By function, then by column: what it logged of each completion besides its reasons."""
        count = len(self.scoring.samples)
        columns = {
            report.name: {
                column: values
                for column, values in report.extras.items()
                if len(values) == count and column not in SAID
            }
            for report in self.scoring.reports
        }
        return {name: logged for name, logged in columns.items() if logged}


def dry_run(
    runs_dir: Path,
    config: RunConfig,
    reward_set: RewardSet,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    *,
    pass_rule: PassRule | None = None,
    on_progress: ProgressCallback | None = None,
) -> DryRun:
    """Sample `config.num_generations` completions of each prompt as training would; score them."""
    sampling = sample_groups(runs_dir, config, prompts, on_progress=on_progress)
    return score_groups(
        config,
        reward_set,
        rows,
        prompts,
        sampling.groups,
        sampling_seconds=sampling.seconds,
        prompt_tail=sampling.prompt_tail,
        pass_rule=pass_rule,
    )


def choose_rows(rows: Sequence[R], count: int, seed: int) -> list[R]:
    """`count` rows by chance, in their order."""
    return [rows[index] for index in draw_rows(len(rows), count, seed)]


def sample_groups(
    runs_dir: Path,
    config: RunConfig,
    prompts: Sequence[Messages],
    *,
    on_progress: ProgressCallback | None = None,
) -> Sampling:
    """Sample as the first training step would: by the base model, with the run's settings."""
    params = SamplingParams.of(config, config.seed)
    client = GenerationClient(runs_dir, run_settings(config))
    # One token first, so that loading the model is not measured as sampling.
    one_token = replace(params, max_completion_length=1)
    client.sample(config.model, prompts[:1], 1, one_token, on_progress=on_progress)
    start = time.monotonic()
    groups = client.sample(
        config.model, prompts, config.num_generations, params, on_progress=on_progress
    )
    seconds = time.monotonic() - start
    kwargs = config.chat_template_kwargs
    rendered = client.render(config.model, prompts[:1], chat_template_kwargs=kwargs)
    return Sampling(tuple(map(tuple, groups)), seconds, rendered[0].text[-TAIL:])


def score_groups(
    config: RunConfig,
    reward_set: RewardSet,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    groups: Sequence[Sequence[Completion]],
    *,
    sampling_seconds: float | None = None,
    prompt_tail: str = "",
    pass_rule: PassRule | None = None,
) -> DryRun:
    """The same for completions that are there already; every group has the same size.

    `pass_rule`: when a completion counts as right, if not by the highest score of correctness.
    """
    size = len(groups[0]) if groups else 1
    samples = [completion for group in groups for completion in group]
    batch = Batch(
        prompts=[prompt for prompt in prompts for _ in range(size)],
        completions=[completion.text for completion in samples],
        rows=[row for row in rows for _ in range(size)],
        # Pasted completions have none; "0 tokens" would be wrong.
        completion_ids=[c.token_ids for c in samples] if all(c.token_ids for c in samples) else (),
    )
    models = RewardModels(get_runs_dir())
    with Scorer(reward_set, timeout=config.reward_timeout, open_reward_model=models) as scorer:
        scoring = scorer.score(batch)
        noise = _list_noise(scorer, batch, scoring, size)
    data = DryRunData(
        config,
        reward_set,
        batch,
        scoring,
        group_size=size,
        truncated=[completion.truncated for completion in samples],
        sampling_seconds=sampling_seconds,
        update_seconds=_estimate_update(config) if sampling_seconds is not None else None,
        prompt_tail=prompt_tail,
    )
    preflight = judge(data, pass_rule).with_warnings(noise)
    return DryRun(
        rows=tuple(rows),
        prompts=tuple(prompts),
        groups=tuple(map(tuple, groups)),
        data=data,
        advantages=tuple(compute_advantages(data.rewards, size, config.scale_rewards)),
        preflight=preflight,
    )


def judge(data: DryRunData, pass_rule: PassRule | None = None) -> Preflight:
    """The verdict on what was scored, be it by a dry run or by a run before its first step."""
    chance = _list_chance(data.reward_set, data.batch)
    return check_dry_run(data, pass_rule).with_warnings(chance)


def _estimate_update(config: RunConfig) -> float | None:
    """Seconds of one step that are neither sampling nor scoring."""
    return estimate(config, get_runs_dir()).update_seconds


def _list_noise(scorer: Scorer, batch: Batch, scoring: Scoring, size: int) -> list[Problem]:
    """Scores a part once more; not where that would mean to wait for a hanging function again."""
    if any(report.error_kind == "hang" for report in scoring.reports):
        return []
    return find_inconsistencies(scorer, batch, size, scored=scoring.samples)


def _list_chance(reward_set: RewardSet, batch: Batch) -> list[Problem]:
    """For each function that wants one letter: are the letters better than chance?"""
    found = []
    for entry in reward_set.entries:
        if entry.grader == "choice":
            letters = read_choices(batch, **GRADERS["choice"].with_defaults(entry))
            warning = chance_warning(
                [answer for answer, _ in letters], [gold for _, gold in letters]
            )
            found += [replace(warning, where=entry.name)] if warning else []
    return found
