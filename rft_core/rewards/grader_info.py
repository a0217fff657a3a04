"""What a built-in grader says about itself: how it is called, and options for a form to draw.

There are four ways to call one, each for what the others cannot do:
- `function`: one completion and its row in, a grade out. Most graders; the only kind that can be
  exported, as it needs nothing but its own file.
- `jailed`: the same for texts that could run away with this process, by a module's name, since the
  function itself is never imported here.
- `open`: whole batches, with something held open between them (a judge's cache, shared runs).
- `combine`: the other functions' scores instead of the completion; so it must come after them.
The scorer turns all into grades of a batch: `one_by_one.py`, `jailed/grader.py`, the grader itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rft_core.rewards.completion_text import EXTRACTIONS
from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry

if TYPE_CHECKING:  # exported graders bring this file along, and no sandbox
    from rft_core.rewards.grader_context import GraderContext

_TYPES: dict[str, type | tuple[type, ...]] = {
    "text": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
}


@dataclass(frozen=True)
class GraderOption:
    """One setting of a grader; `choices` lists the allowed texts where they are few.

    `minimum` and `maximum` bound a number, in the form as in every check; both may be reached.
    """

    name: str
    type: Literal["text", "int", "float", "bool"]
    default: Any
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def find_problem(self, value: Any) -> str:
        """What the setting must be, where the value is not; "" where it is."""
        is_bool = isinstance(value, bool)
        if not isinstance(value, _TYPES[self.type]) or is_bool != (self.type == "bool"):
            return f"must be {self.type}"
        if self.choices and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        return self._find_number_problem(value) if self.type in ("int", "float") else ""

    def _find_number_problem(self, value: Any) -> str:
        if not abs(value) <= sys.float_info.max:  # nor is NaN
            return "must be a finite number"
        if self.minimum is not None and value < self.minimum:
            return f"must be {self.minimum:g} or more"
        if self.maximum is not None and value > self.maximum:
            return f"must be {self.maximum:g} or less"
        return ""


class BatchGrader(Protocol):
    """A grader that sees whole batches and holds something open, such as a cache."""

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]: ...

    def close(self) -> None: ...


OpenGrader = Callable[[RewardEntry, "GraderContext"], BatchGrader]


@dataclass(frozen=True)
class JailedGrading:
    """A module of ours with `grade_batch` and `grade_one`, as `jailed/grading.py` has them.

    `seconds_each` is the most that it takes over one completion: the time for a batch grows by it.
    """

    module: str
    seconds_each: float


@dataclass(frozen=True)
class GraderInfo:
    """A grader: `function(completion, row, **options) -> Grade`, and how to explain it.

    Instead of `function` it has `jailed`, `open` or `combine`, as said above. `check` raises
    `BadInputError` for options that do not fit together. `takes_num_tokens`: the function also
    wants the length in tokens. `runs_code`: it runs programs of the completions, and is refused
    where no jail holds.
    """

    name: str
    function: Callable[..., Grade] | None
    help: str
    options: tuple[GraderOption, ...] = ()
    takes_num_tokens: bool = False
    jailed: JailedGrading | None = None
    open: OpenGrader | None = None
    combine: Callable[[RewardEntry, Mapping[str, float | None]], Grade] | None = None
    check: Callable[[RewardEntry], None] | None = None
    runs_code: bool = False

    def with_defaults(self, entry: RewardEntry) -> dict[str, Any]:
        """Every option of the entry, those it leaves out at their defaults."""
        return fill_options(self.options, entry)


def fill_options(options: Sequence[GraderOption], entry: RewardEntry) -> dict[str, Any]:
    """Every option of the entry, those it leaves out at their defaults."""
    return {option.name: option.default for option in options} | dict(entry.options)


COLUMN = GraderOption("column", "text", "answer", "Column that holds the gold answer.")
EXTRACTION = GraderOption(
    "extraction", "text", "auto", "Where the answer stands in the completion.", tuple(EXTRACTIONS)
)
WHOLE_EXTRACTION = replace(EXTRACTION, default="whole")
TEXT_EXTRACTION = GraderOption(  # of what is longer than an answer: code, JSON, prose
    "extraction", "text", "answer_tag", "Where it stands.", ("answer_tag", "fenced", "whole")
)
THRESHOLD = GraderOption(
    "threshold", "float", 0.0, "From here on 1, below 0; 0: the measure itself.", (), 0, 1
)
TOLERANCE = GraderOption(
    "tolerance", "float", 0.0, "Largest difference that still counts.", minimum=0
)
PARTIAL = GraderOption(
    "partial", "float", 0.0, "What any other number earns; 0.1 in ReFT.", minimum=0, maximum=0.99
)
SHORTEST_TIME = 0.01  # seconds; less is over before anything can begin
IGNORE_CASE = GraderOption("ignore_case", "bool", False, "Treat A and a as the same.")
