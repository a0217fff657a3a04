"""What an experiment has found so far: of each arm, the right answers over all seeds.

The unit is the prompt: an arm's value for a prompt is the mean over its seeds and samples, and an
arm's interval is taken over prompts, the same ones for all arms of a block. Differences between
arms are of the same prompts and seeds, and their intervals are taken over both.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rft_core.evaluation.results import Values
from rft_core.experiments.claims import Verdict, judge_claim
from rft_core.experiments.design import TOP_1, Block, Claim, Experiment
from rft_core.statistics import PairedDifference, mean_interval, paired_difference


@dataclass(frozen=True)
class ArmResult:
    """`by_seed`: of each seed that has been measured, its share of right answers by measure and
    prompt. `seconds` and `tokens`: what training took, the mean over seeds; of the base none."""

    name: str
    title: str
    by_seed: Mapping[int, Mapping[str, Values]]
    seconds: float = 0.0
    tokens: float = 0.0
    control_of: str = ""

    def get_shares(self, measure: str = TOP_1) -> tuple[float, ...]:
        """Means over the seeds, a prompt each that could be judged; empty where none was."""
        seeds = [shares[measure] for shares in self.by_seed.values() if measure in shares]
        judged = [_drop_unjudged(values) for values in zip(*seeds, strict=True)]
        return tuple(statistics.fmean(values) for values in judged if values)

    @property
    def seed_means(self) -> list[float]:
        """Of each seed its Top-1."""
        judged = [_drop_unjudged(shares[TOP_1]) for shares in self.by_seed.values()]
        return [statistics.fmean(values) for values in judged if values]

    def get_mean(self, measure: str = TOP_1) -> float | None:
        shares = self.get_shares(measure)
        return statistics.fmean(shares) if shares else None

    def get_interval(self, measure: str = TOP_1) -> tuple[float, float] | None:
        shares = self.get_shares(measure)
        return mean_interval(shares) if shares else None

    def compare(
        self, other: ArmResult, measure: str = TOP_1, with_measure: str = TOP_1
    ) -> PairedDifference | None:
        """This arm by one measure, less the other (or the same) arm by another.

        Over the prompts that both could be judged on, with every seed that both have.
        """
        seeds = [
            seed
            for seed, shares in self.by_seed.items()
            if measure in shares and with_measure in other.by_seed.get(seed, {})
        ]
        theirs = [other.by_seed[seed][with_measure] for seed in seeds]
        ours = [self.by_seed[seed][measure] for seed in seeds]
        judged = [column for column in zip(*theirs, *ours, strict=True) if None not in column]
        if not judged:
            return None
        table = list(zip(*judged, strict=True))
        return paired_difference(table[: len(seeds)], table[len(seeds) :])


def _drop_unjudged(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


@dataclass(frozen=True)
class BlockResult:
    """The base comes first; arms that nothing is known of yet are there without shares."""

    block: Block
    arms: tuple[ArmResult, ...]
    about: str = ""  # what was asked, and how

    @property
    def is_measured(self) -> bool:
        return any(arm.get_shares() for arm in self.arms)

    @property
    def seeds(self) -> list[int]:
        """Those that any arm was measured with."""
        return sorted({seed for arm in self.arms for seed in arm.by_seed})

    def get_arm(self, name: str) -> ArmResult:
        return next(arm for arm in self.arms if arm.name == name)


@dataclass(frozen=True)
class Findings:
    experiment: Experiment
    blocks: tuple[BlockResult, ...]
    verdicts: tuple[Verdict, ...] = field(default=())


def find(experiment: Experiment, blocks: Sequence[BlockResult]) -> Findings:
    """With a verdict on every claim."""
    by_name = {result.block.name: result for result in blocks}
    verdicts = []
    for claim in experiment.claims:
        result = by_name.get(claim.block)
        verdict = judge_claim(claim, _compare(result, claim), is_enough=not experiment.quick)
        verdicts.append(replace(verdict, seeds=_say_seeds(experiment, result, claim)))
    return Findings(experiment, tuple(blocks), tuple(verdicts))


def _say_seeds(experiment: Experiment, result: BlockResult | None, claim: Claim) -> str:
    """Where not all seeds that were asked for have been measured: ", 1 of 3 seeds"."""
    if result is None:
        return ""
    better, than = (result.get_arm(name).by_seed for name in (claim.better, claim.than))
    asked = set(experiment.seeds)
    known = [
        seed
        for seed in asked
        if claim.measure in better.get(seed, {}) and claim.than_measure in than.get(seed, {})
    ]
    return f", {len(known)} of {len(asked)} seeds" if len(known) < len(asked) else ""


def _compare(result: BlockResult | None, claim: Claim) -> PairedDifference | None:
    if result is None:
        return None
    better, than = result.get_arm(claim.better), result.get_arm(claim.than)
    return better.compare(than, claim.measure, claim.than_measure)
