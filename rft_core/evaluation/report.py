"""What an evaluation says, in words and tables: the one place for the page and the command line.

Pure: records come in, text and rows go out. Shares are shown in percent and differences in points,
each with its 95% interval.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rft_core.evaluation.records import Matchup, PastEvaluation
from rft_core.evaluation.results import BEST, PASS, VOTE, Estimate, Evaluation
from rft_core.statistics import PairedDifference

Label = Callable[[str], str]  # what people call a model; its label unless said otherwise
Cells = dict[str, str]
MISSING = "–"


def as_is(label: str) -> str:
    return label


def percent(share: float | None) -> str:
    return MISSING if share is None else f"{100 * share:.1f}%"


def with_interval(estimate: Estimate | None) -> str:
    """`61.0% (54.1 to 67.5)`."""
    if estimate is None:
        return MISSING
    low, high = (f"{100 * bound:.1f}" for bound in estimate.ci)
    return f"{percent(estimate.value)} ({low} to {high})"


def in_points(difference: PairedDifference) -> str:
    """`+12.3 points (8.1 to 16.4)`."""
    low, high = (f"{100 * bound:.1f}" for bound in difference.ci)
    return f"{100 * difference.difference:+.1f} points ({low} to {high})"


def p_text(p_value: float) -> str:
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def difference_text(difference: PairedDifference) -> str:
    """`+12.3 points (8.1 to 16.4), McNemar p < 0.001`."""
    return f"{in_points(difference)}, {_test_text(difference)}"


def _test_text(difference: PairedDifference) -> str:
    """`McNemar p < 0.001`: of right or wrong answers; of shares of several, by flipping signs."""
    return f"{difference.test} {p_text(difference.p_value)}"


def verdict_text(model: str, base: str, difference: PairedDifference) -> str:
    """One sentence: by how much, whether that could be chance, and how many rows changed."""
    ending = (
        "That could be chance."
        if not difference.is_significant
        else "That is more than chance."
        if difference.difference > 0
        else "It got worse."
    )
    return (
        f"{model} against {base}: {difference_text(difference)}, on {difference.n:,} prompts. "
        f"{difference.gained:,} turned right, {difference.lost:,} turned wrong "
        f"(McNemar {p_text(difference.mcnemar)}). {ending}"
    )


def forgotten_text(matchup: Matchup, label: Label = as_is) -> str:
    """What a second task says of forgetting, and where it says nothing."""
    base, *tuned = matchup.evaluations
    if base.pass_at_1 == 0:
        return f"The base solves nothing of {matchup.task}: this cannot show what was forgotten."
    worse = [
        label(e.model)
        for e in tuned
        if e.versus_base and e.versus_base.is_significant and e.versus_base.difference < 0
    ]
    if worse:
        return f"Something was forgotten of {matchup.task}: {', '.join(worse)}."
    lows = [e.versus_base.ci[0] for e in tuned if e.versus_base]
    if not lows:
        return ""
    return (
        f"Nothing shows as forgotten of {matchup.task}; a loss of up to "
        f"{100 * max(0.0, -min(lows)):.1f} points is not ruled out."
    )


def main_table(evaluations: Sequence[Evaluation], label: Label = as_is) -> list[Cells]:
    """A row per model; columns that nobody has are left out."""
    rows = [_main_row(evaluation, label) for evaluation in evaluations]
    used = {name for row in rows for name, text in row.items() if text != MISSING}
    return [{name: text for name, text in row.items() if name in used} for row in rows]


def _main_row(evaluation: Evaluation, label: Label) -> Cells:
    k, cost = evaluation.k, evaluation.cost
    measures = {measure.name: measure.at_k for measure in evaluation.measures}
    several = {f"pass@{k}": with_interval(measures[PASS])} if k > 1 else {}
    return {
        "model": label(evaluation.model),
        "pass@1": with_interval(evaluation.first),
        **several,
        f"maj@{k}": with_interval(measures.get(VOTE)),
        f"best of {k}": with_interval(measures.get(BEST)),
        "agreement": percent(evaluation.agreement.value) if evaluation.agreement else MISSING,
        "cut off": percent(evaluation.truncated),
        "unscored": str(evaluation.unscored) if evaluation.unscored else MISSING,
        "tokens each": _number(cost.tokens_each),
        "s per 1,000": _number(cost.seconds_per_thousand),
    }


def _number(value: float | None) -> str:
    return MISSING if value is None else f"{value:,.1f}"


def selection_table(
    evaluations: Sequence[Evaluation], rerank: str | None, label: Label = as_is
) -> list[Cells]:
    """Whether a vote or a score beats its control: picking one of the same k samples at random."""
    return [
        {
            "model": label(e.model),
            "choosing": f"best of {e.k} by {rerank}" if m.name == BEST else f"a vote of {e.k}",
            "right": with_interval(m.at_k),
            "a random pick": with_interval(e.first),
            "difference": in_points(m.versus_random),
            "test": _test_text(m.versus_random),
        }
        for e in evaluations
        for m in e.measures
        if m.versus_random
    ]


def comparison_table(matchup: Matchup, label: Label = as_is) -> list[Cells]:
    """Every pair of models in every measure that both have."""
    k = matchup.evaluations[0].k
    return [
        {
            "from": label(one.first),
            "to": label(one.second),
            "measure": name_measure(one.measure, k),
            "difference": in_points(one.difference),
            "test": _test_text(one.difference),
            "turned right": f"{one.difference.gained:,}",
            "turned wrong": f"{one.difference.lost:,}",
        }
        for one in matchup.comparisons
    ]


def name_measure(measure: str, k: int) -> str:
    return {PASS: f"pass@{k}", VOTE: f"maj@{k}", BEST: f"best of {k}"}.get(measure, measure)


def past_table(past: Sequence[PastEvaluation], when: Callable[[float], str]) -> list[Cells]:
    return [
        {
            "number": str(one.number),
            "when": when(one.created_at),
            "task": one.task,
            "prompts": f"{one.num_prompts:,}",
            "k": str(one.k),
            "models": ", ".join(one.models),
            "best of k by": one.rerank or MISSING,
            "regression": one.regression or MISSING,
        }
        for one in past
    ]
