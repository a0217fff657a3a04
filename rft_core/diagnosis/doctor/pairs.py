"""Of what learns from pairs: length that judges alone, and preferred answers that become rarer."""

from __future__ import annotations

from rft_core.data.pair_accuracy import ACCURACY, LONGER_WINS, LOWEST, MARGIN, explain_length
from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import WINDOW, first_level, mean_level
from rft_core.diagnosis.finding import Finding

FALLEN = 0.1  # of the reward of chosen answers, which begins at zero


def find_length(evidence: RunEvidence) -> Finding | None:
    """Does length put the held-out pairs in order as well?"""
    held_out = {name: evidence.get(name, "validation") for name in (ACCURACY, LOWEST, LONGER_WINS)}
    newest = {name: float(curve.value[-1]) for name, curve in held_out.items() if curve is not None}
    measured = held_out[ACCURACY]
    if measured is None or int(measured.step[-1]) == evidence.first_step:
        return None  # nothing is learned yet
    sentence = explain_length(newest)
    if not sentence:
        return None
    return Finding(
        "length",
        "warning",
        "It may judge by length alone",
        f"{sentence}.",
        f"On the held-out pairs: accuracy {newest[ACCURACY]:.0%}, at least {newest[LOWEST]:.0%}; "
        f"“the longer one wins” alone {newest[LONGER_WINS]:.0%}.",
        "Train longer, or on more pairs; pairs of like length (pairs from-run --match-length 0.1) "
        "leave length nothing to say.",
    )


def find_chosen_falls(evidence: RunEvidence) -> Finding | None:
    """Of DPO: the margin can rise while both answers of a pair become less likely."""
    margins, chosen = evidence.values(MARGIN), mean_level(evidence.values("pairs/chosen"))
    before, now = first_level(margins), mean_level(margins)
    if chosen is None or before is None or now is None or chosen.high > -FALLEN:
        return None
    if now.mean <= before.mean or len(margins) < 2 * WINDOW:
        return None
    return Finding(
        "chosen_falls",
        "warning",
        "Preferred answers become rarer too",
        f"The margin has risen to {now.mean:.2f}, but the reward of the chosen answers has fallen "
        f"to {chosen.mean:.2f}: they are less likely than under the reference, the rejected ones "
        "only more so.",
        f"Over the last {chosen.steps} steps the chosen answers earned {chosen}, beginning at 0. "
        "What has become likelier instead is in no pair.",
        "Read what it writes at validation. If that is worse: a higher beta, fewer steps, or SFT "
        "on the chosen answers first (stages='sft 40; dpo 80').",
    )


RULES = (find_length, find_chosen_falls)
