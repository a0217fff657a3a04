"""What is wrong with a run, read from its curves: one small rule per ailment, and what to do.

Every rule looks at the last steps only, speaks once it has seen enough of them, and stays silent
when unsure: a card that cries wolf is worse than none. Pure functions; the Monitor page shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rft_core.config.stages import RECIPES
from rft_core.data.pair_accuracy import ACCURACY, LONGER_WINS, LOWEST, MARGIN, explain_length
from rft_core.diagnosis.flat_reward import FLAT
from rft_core.figures import Curve, Curves
from rft_core.types import Problem

WINDOW = 8  # steps a rule looks back on
ALMOST_ALL = 0.95
MANY_TRUNCATED = 0.5
MANY_UNSCORED = 0.1
FAR_FROM_REFERENCE = 1.0  # nats per token: the policy shares little with the reference
MORE_TRICKS = 0.1  # of the completions more than in the first steps, while the reward rose
FALLEN = 0.1  # of the reward of chosen answers, which begins at zero
COLLAPSE_SHARE = 0.4  # of the best reward so far is lost ...
COLLAPSE_NOISE = 4.0  # ... and the loss is this many times the spread of the last steps


TITLES: Mapping[str, str] = {
    FLAT: "Nothing to learn from",
    "no_variance": "Nothing to learn from",
    "truncated": "Completions are cut off",
    "kl_explosion": "The policy is far from the reference",
    "collapse": "The reward has collapsed",
    "hacking": "The policy is learning to cheat",
    "unscored": "'{where}' often cannot judge",
    "length": "It may judge by length alone",
    "chosen_falls": "Preferred answers become rarer too",
}


def get_title(problem: Problem) -> str:
    """A heading of a few words for what `diagnose` found; `where` is a function, or ""."""
    return TITLES[problem.kind].format(where=problem.where)


def diagnose(curves: Curves, flat: Problem | None = None) -> list[Problem]:
    """Everything the rules find, worst first. Empty for a healthy or a very young run.

    `flat`: what `flat_reward` found in the completions themselves. It says sooner and more exactly
    what groups without variance say.
    """
    problems = [problem for rule in RULES if (problem := rule(curves))]
    if flat:
        problems = [flat, *(problem for problem in problems if problem.kind != "no_variance")]
    return sorted(problems, key=lambda problem: problem.severity != "error")


def find_no_variance(curves: Curves) -> Problem | None:
    share = _recent(curves, "frac_reward_zero_std")
    if share is None or share < ALMOST_ALL:
        return None
    reward = _recent(curves, "reward") or 0.0
    fix = (
        "Every completion earns nothing: make the first success easier to reach (partial credit, "
        f"easier prompts), or begin with examples: stages='{RECIPES['sft_grpo']}', which the "
        "chooser on Overview sets up."
        if reward <= 0
        else "The prompts are too easy or the reward too coarse for this model: use harder prompts "
        "or a reward with more than one level."
    )
    return Problem(
        "no_variance",
        "error",
        "",
        f"In {share:.0%} of the groups all completions got the same reward (mean {reward:.2f}), "
        f"so their advantages are zero.",
        fix,
    )


def find_truncation(curves: Curves) -> Problem | None:
    share = _recent(curves, "completions/clipped_ratio")
    if share is None or share < MANY_TRUNCATED:
        return None
    return Problem(
        "truncated",
        "error" if share >= ALMOST_ALL else "warning",
        "",
        f"{share:.0%} of the completions of the last {WINDOW} steps ended at the length limit "
        "before they were finished.",
        "Raise max_completion_length, or reward shorter completions.",
    )


def find_kl_explosion(curves: Curves) -> Problem | None:
    kl = _recent(curves, "kl")
    if kl is None or kl < FAR_FROM_REFERENCE:
        return None
    return Problem(
        "kl_explosion",
        "warning",
        "",
        f"KL to the reference is {kl:.2g} nats per token: the model may be losing its language, "
        "or playing the reward.",
        "Read the latest generations. Fork from an earlier checkpoint with a lower learning_rate "
        "or a higher beta.",
    )


def find_collapse(curves: Curves) -> Problem | None:
    curve = curves.get("reward")
    if curve is None or len(curve.value) < 3 * WINDOW:
        return None
    means = _window_means(curve)
    best, now = max(means), means[-1]
    spread = float(curve.value[-WINDOW:].std())
    lost = best - now
    if lost < COLLAPSE_SHARE * abs(best) or lost < COLLAPSE_NOISE * spread / WINDOW**0.5:
        return None
    step = int(curve.step[(means.index(best) + 1) * WINDOW - 1])
    return Problem(
        "collapse",
        "error",
        "",
        f"It was {best:.2f} around step {step} and is {now:.2f} now.",
        f"Fork from a checkpoint near step {step} with a lower learning_rate.",
    )


def find_hacking(curves: Curves) -> Problem | None:
    flagged, reward = curves.get("flagged"), curves.get("reward")
    if flagged is None or reward is None or len(flagged.value) < 2 * WINDOW:
        return None
    before, now = float(flagged.value[:WINDOW].mean()), flagged.mean_of_last(WINDOW)
    earned = reward.mean_of_last(WINDOW) - float(reward.value[:WINDOW].mean())
    if now - before < MORE_TRICKS or earned <= 0:
        return None
    return Problem(
        "hacking",
        "error",
        "",
        f"In {now:.0%} of the completions of the last {WINDOW} steps a trick was recognised, "
        f"against {before:.0%} at first, and the reward rose with it.",
        "Filter the generations by their flags and read some. Then let what is flagged earn "
        "nothing (How it counts, or detectors: enforce, on the Rewards page), and train anew.",
    )


def find_unscored(curves: Curves) -> Problem | None:
    """At once where a function has not judged anything yet: nobody should wait for eight steps."""
    names = [
        name.removeprefix("rewards/").removesuffix("/unscored")
        for split, name in curves.by_key
        if split == "train" and name.startswith("rewards/") and name.endswith("/unscored")
    ]
    shares = {name: _unscored_share(curves, name) for name in names}
    worst = max(shares, key=lambda name: shares[name] or 0.0, default=None)
    share = shares[worst] if worst else None
    if worst is None or share is None or share < MANY_UNSCORED:
        return None
    return Problem(
        "unscored",
        "error" if share >= ALMOST_ALL else "warning",
        worst,
        f"{share:.0%} of the completions of the last steps got no score from it.",
        "Filter the generations for unscored ones: the reason is stored with each of them.",
    )


def find_length(curves: Curves) -> Problem | None:
    """Of what learns from pairs: does length put the held-out ones in order as well?"""
    held_out = {name: curves.get(name, "validation") for name in (ACCURACY, LOWEST, LONGER_WINS)}
    newest = {name: float(curve.value[-1]) for name, curve in held_out.items() if curve is not None}
    measured = held_out[ACCURACY]
    if measured is None or int(measured.step[-1]) == 0:  # nothing is learned yet
        return None
    sentence = explain_length(newest)
    if not sentence:
        return None
    return Problem(
        "length",
        "warning",
        "",
        f"{sentence}.",
        "Train longer, or on more pairs; pairs of like length (pairs from-run --match-length 0.1) "
        "leave length nothing to say.",
    )


def find_chosen_falls(curves: Curves) -> Problem | None:
    """Of DPO: the margin can rise while both answers of a pair become less likely."""
    chosen, margin = _recent(curves, "pairs/chosen"), _recent(curves, MARGIN)
    whole = curves.get(MARGIN)
    if chosen is None or margin is None or whole is None or chosen > -FALLEN:
        return None
    if margin <= float(whole.value[:WINDOW].mean()) or len(whole.value) < 2 * WINDOW:
        return None
    return Problem(
        "chosen_falls",
        "warning",
        "",
        f"The margin has risen to {margin:.2f}, but the reward of the chosen answers has fallen to "
        f"{chosen:.2f}: they are less likely than under the reference, the rejected ones only more "
        "so. What has become likelier instead is in no pair.",
        "Read what it writes at validation. If that is worse: a higher beta, fewer steps, or SFT "
        "on the chosen answers first (stages='sft 40; dpo 80').",
    )


RULES: Sequence[Callable[[Curves], Problem | None]] = (
    find_no_variance,
    find_truncation,
    find_kl_explosion,
    find_collapse,
    find_hacking,
    find_unscored,
    find_length,
    find_chosen_falls,
)


def _recent(curves: Curves, name: str) -> float | None:
    """The mean of the last steps, or None while there are too few of them."""
    curve = curves.get(name)
    if curve is None or len(curve.value) < WINDOW:
        return None
    return curve.mean_of_last(WINDOW)


def _unscored_share(curves: Curves, function: str) -> float | None:
    curve = curves.get(f"rewards/{function}/unscored")
    if curve is not None and len(curve.value) and curve.value.min() >= 1:
        return 1.0
    return _recent(curves, f"rewards/{function}/unscored")


def _window_means(curve: Curve) -> list[float]:
    """Means of consecutive windows from the start, and of the very last window."""
    whole = len(curve.value) // WINDOW * WINDOW
    means: list[float] = curve.value[:whole].reshape(-1, WINDOW).mean(axis=1).tolist()
    return [*means, curve.mean_of_last(WINDOW)]
