"""The parts of a reward: one that cannot judge, one that says nothing, one that says it all."""

from __future__ import annotations

from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.doctor.measures import (
    CONFIDENCE,
    WINDOW,
    first_level,
    mean_level,
    share_level,
)
from rft_core.diagnosis.finding import Finding
from rft_core.statistics import upper_bound

MANY_UNSCORED, NEARLY_ALL = 0.1, 0.95
ENOUGH_EQUAL = 64  # scores without a difference, before a constant is called one
ENOUGH_NEVER = 1_000  # and before nothing is expected any more of what was never earned yet
NEVER_STEPS = 20
OWNS = 0.9  # of the variance
OWNED_STEPS = 3 * WINDOW
ENOUGH_STEPS = 5  # where the spread within each is known
SMALL_PART = 0.1  # of what the largest part can pay
OFTEN = 0.25  # of its best score, on average


def find_unscored(evidence: RunEvidence) -> Finding | None:
    """The worst of them; at once where a function has not judged anything yet."""
    worst: tuple[float, str, str] | None = None
    for split, key in evidence.curves.by_key:
        name = key.removeprefix("rewards/").removesuffix("/unscored")
        if split != "train" or key != f"rewards/{name}/unscored":
            continue
        values = evidence.values(key)
        if not len(values):
            continue
        level = share_level(values, evidence.batch_size)
        if values.min() >= 1:
            found = 1.0, name, f"None of the completions of {len(values)} steps got a score."
        elif level is not None and level.low >= MANY_UNSCORED:
            found = level.mean, name, f"{level.percent} over the last {level.steps} steps."
        else:
            continue
        worst = max(worst, found) if worst else found
    if worst is None:
        return None
    share, name, evidence_text = worst
    return Finding(
        "unscored",
        "error" if share >= NEARLY_ALL else "warning",
        f"'{name}' often cannot judge",
        f"{share:.0%} of the completions got no score from '{name}', so nothing is learned of it "
        "there.",
        evidence_text,
        "Filter the generations for unscored ones: the reason is stored with each of them.",
        where=name,
    )


def find_dead_component(evidence: RunEvidence) -> Finding | None:
    """Pays everybody the same, while another part of the reward tells completions apart."""
    spreads = {name: evidence.values(f"rewards/{name}/std") for name in evidence.paid}
    if not any(len(spread) and spread.any() for spread in spreads.values()):
        return None  # then the whole reward is flat
    for name, spread in spreads.items():
        scores = evidence.values(f"rewards/{name}/mean")
        if len(spread) < 2 or spread.max() > 1e-9 or not len(scores):
            continue
        paid, count = float(scores[-1]), len(spread) * evidence.batch_size
        if (scores != scores[0]).any() and abs(scores - scores[0]).max() > 1e-9:
            continue
        if paid >= 1 or count < ENOUGH_EQUAL:
            continue  # a form that all have already is no fault
        if paid <= 0 and not _is_hopeless(evidence, count):
            continue
        return _dead(name, paid, count)
    return None


def _is_hopeless(evidence: RunEvidence, count: int) -> bool:
    """Never earned: usual while what comes before it is still being learned."""
    reward = evidence.values("reward")
    before, now = first_level(reward), mean_level(reward)
    rising = before is not None and now is not None and now.mean > before.high
    return count >= ENOUGH_NEVER and len(reward) >= NEVER_STEPS and not rising


def _dead(name: str, paid: float, count: int) -> Finding:
    bound = upper_bound(0, count, CONFIDENCE)
    return Finding(
        "dead_component",
        "warning",
        f"'{name}' tells nothing apart",
        f"'{name}' has given every completion {paid:g}: it has a weight, and teaches nothing.",
        f"All {count:,} scores so far are {paid:g}; with {CONFIDENCE:.1%} confidence fewer than "
        f"{bound:.1%} would differ. A constant cancels out of every advantage.",
        "It can never be earned as it stands: score a gold completion with it, or give partial "
        "credit."
        if paid <= 0
        else "Mend it so that it tells good completions from bad ones, or take it out.",
        where=name,
    )


def find_owned_variance(evidence: RunEvidence) -> Finding | None:
    """One part decides which completion is better, while another could pay next to nothing."""
    if len(evidence.paid) < 2:
        return None
    spreads = {name: _weighted_variance(evidence, name) for name in evidence.paid}
    known = {name: spread for name, spread in spreads.items() if spread is not None}
    total = sum(known.values())
    if len(known) < 2 or total <= 0:
        return None
    owner = max(known, key=lambda name: known[name])
    share = known[owner] / total
    if share < OWNS:
        return None
    pays = {name: evidence.weights.get(name, 1.0) * _full_score(evidence, name) for name in known}
    small = [name for name in known if pays[name] < SMALL_PART * pays[owner]]
    if not small:
        return None  # it can still grow to its full share
    names = " and ".join(f"'{name}'" for name in small)
    return Finding(
        "owns_variance",
        "warning",
        f"'{owner}' decides nearly everything",
        f"'{owner}' holds {share:.0%} of what rewards differ by, and {names} could not pay a tenth "
        "of it.",
        f"Weight times spread, squared, over at most {OWNED_STEPS} steps: "
        + ", ".join(f"{name} {known[name] / total:.1%}" for name in known)
        + "; the most that each pays: "
        + ", ".join(f"{name} {pays[name]:.3g}" for name in known)
        + ".",
        "Weigh the parts by how much they should decide: raise the weight of what matters, or "
        f"lower that of '{owner}'.",
        where=owner,
        missing=()
        if all(len(evidence.values(f"rewards/{name}/std")) for name in known)
        else ("the spread of each function's scores within a step",),
    )


def _weighted_variance(evidence: RunEvidence, name: str) -> float | None:
    """Of its scores within a step; of their means over steps where only those are known."""
    weight = evidence.weights.get(name, 1.0)
    spread = evidence.values(f"rewards/{name}/std")
    if len(spread) >= ENOUGH_STEPS:
        return float((weight * spread[-OWNED_STEPS:]).mean() ** 2)
    means = evidence.values(f"rewards/{name}/mean")
    if len(spread) or len(means) < OWNED_STEPS:
        return None
    return float((weight * means[-OWNED_STEPS:]).std() ** 2)


def _full_score(evidence: RunEvidence, name: str) -> float:
    """1, unless its scores are seen to lie on another scale: a best one that is often come near."""
    values = evidence.values(f"rewards/{name}/mean")
    best = evidence.tops.get(name, float(values.max()))
    is_scale = best >= 1 or (best > 0 and values[-OWNED_STEPS:].mean() >= OFTEN * best)
    return best if is_scale else 1.0


RULES = (find_unscored, find_dead_component, find_owned_variance)
