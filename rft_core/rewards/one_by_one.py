"""Grade a batch one completion at a time: the time it may take, and what a failure costs.

A mistake in a grader of ours must not end a training run, so it leaves the completion that brought
it out unscored, and the report names both. What is wrong with the options is known before: an
`RftError` is meant to be read, and is raised.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from rft_core.errors import RftError
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.grader_info import GraderInfo
from rft_core.rewards.registry import GRADERS

TRACEBACK_FRAMES = 5  # the innermost; a recursion without end has a thousand


def grade_batch(
    info: GraderInfo, entry: RewardEntry, batch: Batch, timeout: float
) -> tuple[list[Grade], FunctionReport]:
    """What a grader of single completions says of each; `timeout` is in seconds, for all."""
    function = info.function
    assert function

    def grade(index: int) -> Grade:
        options = dict(entry.options)
        if info.takes_num_tokens and batch.completion_ids:
            options["num_tokens"] = len(batch.completion_ids[index])
        return function(batch.completions[index], batch.rows[index], **options)

    return _grade_one_by_one(entry.name, len(batch), grade, timeout)


def combine_scores(
    entry: RewardEntry, scores: Sequence[Mapping[str, float | None]], timeout: float
) -> tuple[list[Grade], FunctionReport]:
    """What a grader makes of the other functions' `scores`, a mapping for each completion."""
    combine = GRADERS[entry.grader].combine
    assert combine

    def grade(index: int) -> Grade:
        return combine(entry, scores[index])

    return _grade_one_by_one(entry.name, len(scores), grade, timeout)


def report_failure(name: str, error: Exception, sample: int | None = None) -> FunctionReport:
    """What a report says of an exception in a built-in grader."""
    where = "" if sample is None else f" on completion {sample}"
    return FunctionReport(
        name,
        0.0,
        error=f"The reward '{name}' failed{where}: {describe(error)}.",
        error_kind="exception",
        error_sample=sample,
        traceback="".join(traceback.format_exception(error, limit=-TRACEBACK_FRAMES)),
    )


def describe(error: Exception) -> str:
    """Kind and message, without the full stop."""
    return f"{type(error).__name__}: {error}".rstrip(": .")


def _grade_one_by_one(
    name: str, count: int, grade: Callable[[int], Grade], timeout: float
) -> tuple[list[Grade], FunctionReport]:
    start = time.monotonic()
    grades: list[Grade] = []
    report = FunctionReport(name, 0.0)
    for index in range(count):
        if time.monotonic() - start > timeout:
            unscored = Grade(None, "Not scored: the time for this batch was used up.")
            grades += [unscored] * (count - index)
            problem = f"The reward '{name}' took longer than {timeout:.3g} s for the batch."
            report = replace(report, error=problem, error_kind="hang", error_sample=index)
            break
        try:
            grades.append(grade(index))
        except RftError:
            raise
        except Exception as error:  # whatever it is, the other completions keep their scores
            grades.append(Grade(None, f"Not scored: {describe(error)}."))
            if not report.error:
                report = report_failure(name, error, index)
    return grades, replace(report, seconds=time.monotonic() - start)
