"""From which completions no answer could be taken: they can only be judged wrong.

Asked of the functions that take an answer out of the completion (those with the option
`extraction`, and the equation). Where there is none, a completion whose format earned nothing
counts. What a function written in Python looks for is not known here.
"""

from __future__ import annotations

from collections.abc import Callable

from rft_core.diagnosis.preflight.dry_run_data import DryRunData
from rft_core.rewards.completion_text import EXTRACTIONS, Extracted
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.registry import GRADERS

Extraction = Callable[[str], Extracted]
FIXED_EXTRACTIONS = {"equation": "answer_tag"}  # graders without a choice
FORMAT = "format"  # such graders are called this, or end with it


def list_unparsable(data: DryRunData) -> list[bool] | None:
    """For each completion; None where no function of the set looks for an answer or a format."""
    entries = data.reward_set.entries
    extractions = {found for entry in entries if (found := find_extraction(entry))}
    if extractions:
        return [
            any(extract(text).text is None for extract in extractions)
            for text in data.batch.completions
        ]
    formats = [data.scores(entry.name) for entry in entries if entry.grader.endswith(FORMAT)]
    if not formats:
        return None
    return [any(score == 0 for score in scores) for scores in zip(*formats, strict=True)]


def find_extraction(entry: RewardEntry) -> Extraction | None:
    """How this function takes the answer out; None where it looks at the whole completion."""
    name = FIXED_EXTRACTIONS.get(entry.grader)
    if name is None and entry.grader in GRADERS:
        name = GRADERS[entry.grader].with_defaults(entry).get("extraction")
    return None if name in (None, "whole") else EXTRACTIONS.get(str(name))
