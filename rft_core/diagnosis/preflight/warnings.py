"""What could keep a run from learning, each with its cause and what to do about it.

The gravest come first, and what causes others before what it causes: completions that are cut off
have no answer, no answer earns nothing, and where nothing is earned there is no gradient.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from rft_core.data.lint import lint_prompt_tail
from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.diagnosis.preflight.prompts import PassRates
from rft_core.rewards.advantages import zero_variance_share
from rft_core.rewards.contract import FunctionReport
from rft_core.statistics import wilson_interval
from rft_core.types import Problem, Severity

MOST_ZERO_VARIANCE = 0.8  # share of groups without a gradient
MOST_TRUNCATED = 0.5
MOST_UNPARSABLE = 0.5
MOST_UNSCORED = 0.1
MOST_ALIKE = 0.5  # share of groups in which all completions are the same text
FEWEST_PROMPTS = 4  # below, the intervals are too wide to be of use
SLOW_SECONDS = 0.05  # per completion
USUAL_RANGE = (-10.0, 10.0)
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")

CONTRACT_FIXES = {
    "hang": "Make it faster, or raise reward_timeout.",
    "syntax": "Mend the line that is named.",
    "wrong_length": "Return one number, or None, for each completion.",
    "not_a_number": "Return numbers, or None where it cannot judge.",
    "not_finite": "Return None where it cannot judge, never NaN or infinity.",
    "too_large": "Scale its scores: 0 to 1 is usual.",
    "cache": "Give its cache_file a place with room that can be written, or leave it out.",
    "unusable": "Give it what it lacks: the message says whether that is a column or a sandbox.",
}
MEND = "Mend the function: its traceback and the completion are in the report."
LOOK = "Look at the completion in the report, and at what the function needs to judge it."


Found = Iterator[Problem]


def find_warnings(
    data: DryRunData, pass_rates: PassRates, unparsable: Sequence[bool] | None
) -> list[Problem]:
    """Errors first, notes (info) last; otherwise causes before their consequences."""
    found = [
        *_check_template(data),
        *_check_truncation(data),
        *_check_answers(data, unparsable),
        *_check_variance(data, pass_rates),
        *(warning for report in data.scoring.reports for warning in _check_function(data, report)),
        *_check_prompts(data, pass_rates),
    ]
    return sort_warnings(found)


def sort_warnings(found: Iterable[Problem]) -> list[Problem]:
    """The gravest first; equals stay in their order."""
    return sorted(found, key=lambda warning: SEVERITIES.index(warning.severity))


def suggest_length(lengths: Sequence[int], truncated: Sequence[bool], limit: int) -> int:
    """A `max_completion_length` that leaves room, rounded up to tens.

    Where most finished, half as much again as 19 of 20 of them needed, and at least a quarter more
    than now. Where most did not, nobody knows how long they would be: twice as much, and try again.
    """
    finished = sorted(n for n, cut in zip(lengths, truncated, strict=True) if not cut)
    if 2 * len(finished) < len(lengths) or not finished:
        return _to_tens(2 * limit)
    usual = finished[math.ceil(0.95 * len(finished)) - 1]
    return _to_tens(max(1.5 * usual, 1.25 * limit))


def _check_template(data: DryRunData) -> Found:
    """A template that opens the thought may be why a function pays nothing; else it is a note."""
    for problem in lint_prompt_tail(data.prompt_tail):
        columns = {name: data.scores(name) for name in data.reward_set.names}
        unpaid = [name for name, scores in columns.items() if 0 in scores and not any(scores)]
        severity: Severity = "info"
        text = f"{problem.what[0].upper()}{problem.what[1:]}."
        if unpaid:
            severity = "warning" if any(data.rewards) else "error"
            text += f" No completion earned anything from {', '.join(unpaid)}."
        yield replace(problem, severity=severity, what=text, fix=f"{problem.fix}.")


def _check_truncation(data: DryRunData) -> Found:
    share = _share(data.truncated)
    if share < MOST_TRUNCATED:
        return
    limit = data.config.max_completion_length
    wanted = suggest_length(data.lengths or [limit] * len(data.truncated), data.truncated, limit)
    yield Problem(
        "truncated",
        "error" if share == 1 else "warning",
        "",
        f"{share:.0%} of the completions were cut off at {limit} tokens, before their answer.",
        f"Raise max_completion_length to {wanted}.",
    )


def _check_answers(data: DryRunData, unparsable: Sequence[bool] | None) -> Found:
    """Silent where cut-off completions explain most of it: that is said already."""
    lost = _share(unparsable or ())
    cut = [a and b for a, b in zip(unparsable or (), data.truncated, strict=False)]
    if lost < MOST_UNPARSABLE or 2 * _share(cut) > lost:
        return
    yield Problem(
        "unparsable",
        "warning",
        "",
        f"From {lost:.0%} of the completions no answer could be taken, as they lack the form that "
        "the rewards look for.",
        "Show the form in the prompt with an example, or warm up with SFT.",
    )


def _check_variance(data: DryRunData, pass_rates: PassRates) -> Found:
    if not any(data.reward_set.weights):
        text = "No function has a weight, so nothing is paid for and nothing can be learnt."
        yield Problem("unpaid", "error", "", text, "Give a function a weight above 0.")
        return
    known = [reward for reward in data.rewards if reward is not None]
    if not known:
        text = "No completion has a reward, so nothing can be learnt."
        yield Problem("unscored", "error", "", text, "Mend the functions named below.")
        return
    share = zero_variance_share(data.rewards, data.group_size)
    if share < MOST_ZERO_VARIANCE:
        return
    where = "every group" if share == 1 else f"{share:.0%} of the groups"
    yield Problem(
        "no_variance",
        "error" if share == 1 else "warning",
        "",
        f"In {where} all rewards are equal, so there is no gradient to learn from.",
        _cure_for_equal_rewards(data, known, pass_rates),
    )


def _cure_for_equal_rewards(data: DryRunData, known: Sequence[float], pass_rates: PassRates) -> str:
    if _share(data.truncated) >= MOST_TRUNCATED:
        return "Let the completions end first: that alone may mend it."
    alike = [len(set(group)) == 1 for group in data.grouped(data.batch.completions)]
    if data.group_size > 1 and _share(alike) > MOST_ALIKE:
        return "Raise the temperature: the completions of a prompt are all the same text."
    if max(known) <= 0 or len(pass_rates.too_hard) > len(pass_rates.rates) / 2:
        return "Choose easier prompts, give partial credit, or warm up with SFT."
    if len(pass_rates.too_easy) > len(pass_rates.rates) / 2:
        return "Choose harder prompts or a stricter reward."
    return "Give partial credit, or sample more completions per prompt (num_generations)."


def _check_function(data: DryRunData, report: FunctionReport) -> Found:
    name, count = report.name, len(data.scoring.samples)
    known = [score for score in data.scores(name) if score is not None]
    unscored = 1 - len(known) / count
    if report.error:
        kind = report.error_kind or "error"
        severity: Severity = "warning" if known else "error"
        fix = CONTRACT_FIXES.get(kind, MEND if report.traceback else LOOK)
        yield Problem(kind, severity, name, report.error, fix)
    if unscored > MOST_UNSCORED:
        text = f"'{name}' could not judge {unscored:.0%} of the completions."
        fix = "Look at its reasons: rows without a gold answer, or a failure of the function."
        yield Problem("unscored", "warning", name, text, fix)
    if known and min(known) == max(known) and count > 1:
        text = f"'{name}' gave every completion {known[0]:g}: it tells none from another."
        yield Problem("constant", "info", name, text)
    if known and (min(known) < USUAL_RANGE[0] or max(known) > USUAL_RANGE[1]):
        text = (
            f"'{name}' ranges from {min(known):g} to {max(known):g}, so it will drown the others."
        )
        yield Problem(
            "out_of_range", "warning", name, text, "Scale it to 0–1, or lower its weight."
        )
    if report.seconds > SLOW_SECONDS * count:
        text = f"'{name}' took {report.seconds / count:.2g} s per completion, and every step waits."
        fix = "Do less in it, or keep what it computes twice."
        yield Problem("slow", "warning", name, text, fix)


def _check_prompts(data: DryRunData, pass_rates: PassRates) -> Found:
    if data.num_groups < 2:
        return
    hard, easy = len(pass_rates.too_hard), len(pass_rates.too_easy)
    left = len(pass_rates.between)
    if left and hard + easy:
        yield Problem(
            "bands",
            "info",
            "",
            f"Never solved: {hard} of {data.num_groups} prompts; always solved: {easy}. They "
            "teach little.",
            f"Keep the {left} in between, or try more prompts and keep those.",
        )
    if data.num_groups < FEWEST_PROMPTS:
        text = f"Only {data.num_groups} prompts were tried, so the intervals are wide."
        yield Problem("few_prompts", "info", "", text, "Try 8 or more.")


def chance_warning(answers: Sequence[str], golds: Sequence[str]) -> Problem | None:
    """Warn unless answers to multiple-choice questions are surely better than one fixed letter."""
    if not answers:
        return None
    letter, count = Counter(answers).most_common(1)[0]
    right = sum(a == g for a, g in zip(answers, golds, strict=True))
    chance = max(Counter(golds).values()) / len(golds)
    low, high = wilson_interval(right, len(golds))
    if low > chance:
        return None
    return Problem(
        "chance_level",
        "warning",
        "",
        f"{right / len(golds):.0%} right ({low:.0%} to {high:.0%}) may be chance level, as always "
        f"answering with the commonest letter gives {chance:.0%}. The commonest answer was "
        f"{letter}, {count / len(answers):.0%} of the time.",
        "Ask for the thought before the letter, choose a stronger model, or try more prompts.",
    )


def _share(flags: Sequence[bool]) -> float:
    return sum(flags) / len(flags) if flags else 0.0


def _to_tens(length: float) -> int:
    return math.ceil(length / 10) * 10
