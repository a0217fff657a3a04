"""Assertions of a row: what the row says of its completion, as Promptfoo's tests do.

A row has `assertions`: [{"type": "contains", "value": "Paris", "weight": 2}, …]. The score is their
mean, by weight, which is Promptfoo's score of a test; with `metric` only those of that metric
count, and a row without any stays unscored. Rows hold patterns and schemas that could run away, so
that all of it happens in the jail. A test of `not-contains` alone is passed by silence, there and
here. Kinds and what they mean: `assertion_kinds.py`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from referencing.exceptions import Unresolvable

from rft_core.rewards.grader_info import GraderInfo, GraderOption, JailedGrading
from rft_core.rewards.jailed.grading import (
    GradeTuple,
    Options,
    OutOfTimeError,
    grade_each,
    time_limit,
)
from rft_core.rewards.text.assertion_kinds import ASSERTION_KINDS, NOT, Assertion

SECONDS = 0.5  # for one completion
LONGEST_TEXT = 100_000
MOST_SHOWN = 5  # of the assertions that do not hold


def grade_batch(batch: str, options: Options) -> list[GradeTuple]:
    """From within the jail."""
    return grade_each(grade_one, batch, options)


def grade_one(completion: str, value: Any, options: Options) -> GradeTuple:
    """The mean, by weight, of what the row's assertions say; None where there is none."""
    metric = options["metric"]
    listed = value if isinstance(value, list) else []
    chosen = [one for one in listed if not metric or _metric_of(one) == metric]
    if not chosen:
        return None, f"The row has no such assertion in '{options['column']}'.", ""
    problem = next((text for text in map(find_assertion_problem, chosen) if text), "")
    if problem:
        return None, f"An assertion of the row cannot be checked: {problem}.", ""
    if len(completion) > LONGEST_TEXT:
        return 0.0, f"The completion has {len(completion):,} characters, too many to check.", ""
    try:
        with time_limit(SECONDS):
            return _judge(completion, chosen)
    except OutOfTimeError:
        return None, f"The assertions took longer than {SECONDS} s to check.", "slow_pattern"
    except Unresolvable as error:
        return None, f"A schema refers to what is not in it: {str(error)[:200]}", ""


def check_assertion(completion: str, assertion: Assertion) -> float:
    """What one assertion says of the completion, from 0 to 1."""
    kind: str = assertion["type"]
    score = ASSERTION_KINDS[kind.removeprefix(NOT)].check(completion, assertion)
    return 1 - score if kind.startswith(NOT) else score


def find_assertion_problem(assertion: Any) -> str:
    """Why this assertion cannot be checked; "" where it can."""
    kind = assertion.get("type") if isinstance(assertion, Mapping) else None
    known = ASSERTION_KINDS.get(kind.removeprefix(NOT)) if isinstance(kind, str) else None
    if known is None:
        return f"{assertion!r:.80} is of no known type"
    if not all(_is_amount(assertion.get(name)) for name in ("weight", "threshold")):
        return f"'{kind}' needs numbers of 0 or more for weight and threshold"
    problem = known.find_problem(assertion.get("value"))
    return f"'{kind}' {problem}" if problem else ""


def weight_of(assertion: Assertion) -> float:
    """Its weight; 1 where it has none."""
    weight = assertion.get("weight")
    return 1.0 if weight is None else float(weight)


def _judge(completion: str, assertions: list[Assertion]) -> GradeTuple:
    scores = [check_assertion(completion, assertion) for assertion in assertions]
    weights = [weight_of(assertion) for assertion in assertions]
    if not any(weights):  # only logged, all of them
        weights = [1.0] * len(weights)
    products = [weight * score for weight, score in zip(weights, scores, strict=True)]
    mean = min(1.0, math.fsum(products) / math.fsum(weights))
    wrong = [_describe(one) for one, score in zip(assertions, scores, strict=True) if score < 1]
    if not wrong:
        return 1.0, "Every assertion holds.", ""
    shown = "; ".join(wrong[:MOST_SHOWN]) + ("; …" if len(wrong) > MOST_SHOWN else "")
    return mean, f"Not in full: {shown}.", ""


def _describe(assertion: Assertion) -> str:
    value = assertion.get("value")
    return f"{assertion['type']}" + ("" if value is None else f" {value!r:.60}")


def _metric_of(assertion: Any) -> Any:
    return assertion.get("metric") if isinstance(assertion, Mapping) else None


def _is_amount(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (is_number and 0 <= value < math.inf)


ASSERTIONS = GraderInfo(
    "assertions",
    None,
    "How far the assertions of the row hold, as in Promptfoo: contains, regex, is-json and others.",
    (
        GraderOption("column", "text", "assertions", "Column that holds the assertions."),
        GraderOption("metric", "text", "", "Only those of this metric; empty: all of them."),
    ),
    jailed=JailedGrading(__name__, SECONDS),
)
