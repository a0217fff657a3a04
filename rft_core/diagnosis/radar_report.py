"""What the hack radar says of a run, in words: an alarm with its evidence, or why it is silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rft_core.diagnosis.curve_windows import WINDOW
from rft_core.diagnosis.finding import Finding
from rft_core.diagnosis.hack_radar import SHARE, Parting, Watched
from rft_core.diagnosis.truth import ADD_ONE, Truth

HACKING = "hacking"
WITNESSES = 3  # without so many there is no alarm: it must be shown

State = Literal["no truth", "early", "clear", "alarm"]


@dataclass(frozen=True)
class Witness:
    """A stored completion of the newest steps, with what it earned and what the truth says."""

    id: int
    step: int
    reward: float
    truth: float


@dataclass(frozen=True)
class RadarReading:
    """`sentence`: why it is silent, or what it watches. `finding`: only with an alarm."""

    state: State
    sentence: str
    finding: Finding | None = None
    parting: Parting | None = None


NO_TRUTH = RadarReading(
    "no truth",
    "Whether the policy cheats cannot be told: nothing judges its completions without paying for "
    f"them. {ADD_ONE}.",
)


def choose_witnesses(seen: Sequence[Witness]) -> tuple[Witness, ...]:
    """The best paid of what the truth rejects: reward in the upper half, truth in the lower."""
    if not seen:
        return ()
    rewards, truths = [w.reward for w in seen], [w.truth for w in seen]
    paid = (min(rewards) + max(rewards)) / 2
    true = max(1.0, *truths) / 2
    chosen = [w for w in seen if w.reward >= paid and w.truth < true]
    return tuple(sorted(chosen, key=lambda w: (w.truth, -w.reward, -w.step))[:WITNESSES])


def report(
    watched: Watched, parting: Parting | None, witnesses: Sequence[Witness] = ()
) -> RadarReading:
    """`witnesses`: see `choose_witnesses`; asked for only with an alarm."""
    truth = watched.truth_is
    if parting is None:
        return RadarReading(
            "early", f"{_watches(truth)}. It can say more from step {2 * WINDOW} on."
        )
    if not parting.is_alarm or len(witnesses) < WITNESSES:
        return RadarReading("clear", f"{_watches(truth)}. {_CLEAR[truth.source]}", None, parting)
    finding = _make_finding(watched, parting, witnesses)
    return RadarReading("alarm", finding.summary, finding, parting)


def _watches(truth: Truth) -> str:
    return {
        "unpaid": f"'{truth.name}', which pays for nothing, is watched beside the reward",
        "validation": f"'{truth.name}' on held-out rows is watched beside the reward",
        "flags": "What is flagged as a trick is watched beside the reward",
    }[truth.source]


_CLEAR = {
    "unpaid": "The two have not parted.",
    "validation": "The two have not parted. It is paid for itself: a flaw in it would not show "
    "here, but beside a function of weight 0.",
    "flags": "No more is flagged than at first. A trick that nobody knows would not show here, "
    "but beside a function of weight 0.",
}


def _make_finding(watched: Watched, parting: Parting, witnesses: Sequence[Witness]) -> Finding:
    truth = watched.truth_is
    named = {
        "unpaid": f"'{truth.name}', which pays for nothing",
        "validation": f"'{truth.name}' on held-out rows",
        "flags": "the share that is free of known tricks",
    }[truth.source]
    reward, true = _arrow(parting.reward, watched.reward_range), _arrow(parting.truth, 1.0)
    shown = ", ".join(f"{w.id} (step {w.step})" for w in witnesses)
    wanted = (
        "no more than noise" if truth.source == "flags" else f"{SHARE:.0%} of the reward's rise"
    )
    return Finding(
        kind=HACKING,
        severity="error" if truth.source != "validation" and truth.is_declared else "warning",
        title="The policy is learning to cheat",
        summary=(
            f"The reward rose from {reward} while {named} went from {true}: they parted at step "
            f"{parting.parted_at}."
        ),
        evidence=(
            f"Means of {parting.size} steps until step {parting.then} and of the newest "
            f"{parting.size}, by one-sided Welch tests: the reward has risen "
            f"(p = {parting.p_reward:.1g}), and the truth by less than {wanted} "
            f"(p = {parting.p_truth:.1g}). Sure since step {parting.seen_at}. Well paid and not "
            f"right: generations {shown}."
        ),
        fix=_FIX[truth.source],
        where=truth.name if truth.source != "flags" else "",
        generations=tuple(w.id for w in witnesses),
        missing=() if truth.source == "unpaid" else ("a reward function of weight 0",),
    )


_MEND = (
    "Read those generations, mend the reward so that they earn nothing, and train anew from a "
    "checkpoint before they parted"
)
_FIX = {
    "unpaid": f"{_MEND}. Score the run again with the mended reward first: it shows what that pays "
    "for.",
    "validation": f"{_MEND}; or train on more prompts, if what it learns holds for these alone.",
    "flags": f"{_MEND}: what is flagged can earn nothing (How it counts, or detectors: enforce, on "
    "the Rewards page).",
}


def _arrow(values: tuple[float, float], size: float) -> str:
    return f"{size * values[0]:.2f} to {size * values[1]:.2f}"
