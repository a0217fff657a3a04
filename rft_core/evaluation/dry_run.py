"""A dry run: sample groups from a model, score them, and say whether training could learn.

Everything that the first training step would compute from the same completions is computed here:
scores, reasons, rewards, advantages. Nothing is stored. Loads no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rft_core.config import RunConfig
from rft_core.diagnosis.preflight import (
    Preflight,
    PreflightWarning,
    chance_warning,
    check_dry_run,
)
from rft_core.generation.client import GenerationClient, ProgressCallback
from rft_core.generation.protocol import Completion, SamplingParams
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.composition import Scorer
from rft_core.rewards.consistency import find_inconsistencies
from rft_core.rewards.contract import Batch, Messages, RewardSet, Row, Scoring
from rft_core.rewards.graders import GRADERS
from rft_core.rewards.matching import read_choices


@dataclass(frozen=True)
class DryRun:
    """`scoring.samples` and `advantages` are flat: the groups one after the other."""

    rows: tuple[Row, ...]
    prompts: tuple[Messages, ...]
    groups: tuple[tuple[Completion, ...], ...]
    scoring: Scoring
    advantages: tuple[float, ...]
    preflight: Preflight


def dry_run(
    runs_dir: Path,
    config: RunConfig,
    reward_set: RewardSet,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    *,
    on_progress: ProgressCallback | None = None,
) -> DryRun:
    """Sample `config.num_generations` completions of each prompt as training would; score them."""
    params = SamplingParams(
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        max_completion_length=config.max_completion_length,
        seed=config.seed,
    )
    client = GenerationClient(runs_dir, engine=config.engine, dtype=config.dtype)
    groups = client.sample(
        config.model, prompts, config.num_generations, params, on_progress=on_progress
    )
    return score_groups(config, reward_set, rows, prompts, groups)


def score_groups(
    config: RunConfig,
    reward_set: RewardSet,
    rows: Sequence[Row],
    prompts: Sequence[Messages],
    groups: Sequence[Sequence[Completion]],
) -> DryRun:
    """The same for completions that are there already; every group has the same size."""
    size = len(groups[0]) if groups else 1
    samples = [completion for group in groups for completion in group]
    batch = Batch(
        prompts=[prompt for prompt in prompts for _ in range(size)],
        completions=[completion.text for completion in samples],
        rows=[row for row in rows for _ in range(size)],
        # Pasted completions have none; "0 tokens" would be wrong.
        completion_ids=[c.token_ids for c in samples] if all(c.token_ids for c in samples) else (),
    )
    with Scorer(reward_set, timeout=config.reward_timeout) as scorer:
        scoring = scorer.score(batch)
        noise = _list_noise(scorer, batch, scoring, size)
    rewards = [sample.reward for sample in scoring.samples]
    preflight = check_dry_run(scoring, size, [completion.truncated for completion in samples])
    warnings = (*preflight.warnings, *noise, *_list_chance(reward_set, batch))
    return DryRun(
        rows=tuple(rows),
        prompts=tuple(prompts),
        groups=tuple(tuple(group) for group in groups),
        scoring=scoring,
        advantages=tuple(compute_advantages(rewards, size, config.scale_rewards)),
        preflight=replace(preflight, warnings=warnings),
    )


def _list_noise(
    scorer: Scorer, batch: Batch, scoring: Scoring, size: int
) -> list[PreflightWarning]:
    """Scores a part once more; not where that would mean to wait for a hanging function again."""
    if any(report.error_kind == "hang" for report in scoring.reports):
        return []
    found = find_inconsistencies(scorer, batch, size, scored=scoring.samples)
    return [PreflightWarning(f.kind, "warning", f.sentence, f.function) for f in found]


def _list_chance(reward_set: RewardSet, batch: Batch) -> list[PreflightWarning]:
    """For each function that wants one letter: are the letters better than chance?"""
    found = []
    for entry in reward_set.entries:
        if entry.grader == "choice":
            letters = read_choices(batch, **GRADERS["choice"].with_defaults(entry))
            warning = chance_warning(
                [answer for answer, _ in letters], [gold for _, gold in letters]
            )
            found += [replace(warning, function=entry.name)] if warning else []
    return found
