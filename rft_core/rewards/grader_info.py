"""What a built-in grader says about itself: how it is called, and options for a form to draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rft_core.rewards.contract import Batch, FunctionReport, Grade, RewardEntry
from rft_core.rewards.extraction import EXTRACTIONS

if TYPE_CHECKING:  # exported graders bring this file along, and no sandbox
    from rft_core.rewards.workbench import Workbench


@dataclass(frozen=True)
class GraderOption:
    """One setting of a grader; `choices` lists the allowed texts where they are few."""

    name: str
    type: Literal["text", "int", "float", "bool"]
    default: Any
    help: str
    choices: tuple[str, ...] = ()


class BatchGrader(Protocol):
    """A grader that sees whole batches and holds something open, such as a cache."""

    def score(self, batch: Batch, timeout: float) -> tuple[list[Grade], FunctionReport]: ...

    def close(self) -> None: ...


OpenGrader = Callable[[RewardEntry, "Workbench"], BatchGrader]


@dataclass(frozen=True)
class GraderInfo:
    """A grader: `function(completion, row, **options) -> Grade`, and how to explain it.

    A grader too dangerous for this process has `make_entry` instead: the Python entry that does its
    work in the child, by texts of ours; `seconds_each` is the most that it takes over one
    completion, by which the time for a batch grows. One that must see whole batches, or needs the
    sandbox's pool, has `open`; what several of those share lies on the scorer's workbench. One that
    only makes a score of the other functions' scores has `combine`. `check` raises `BadInputError`
    for options that do not fit together. `takes_num_tokens`: the function also wants the length in
    tokens. `uses_pool`: it runs programs of the completions, and is refused where no jail holds.
    """

    name: str
    function: Callable[..., Grade] | None
    help: str
    options: tuple[GraderOption, ...] = ()
    takes_num_tokens: bool = False
    make_entry: Callable[[RewardEntry], RewardEntry] | None = None
    seconds_each: float = 0.0
    open: OpenGrader | None = None
    combine: Callable[[RewardEntry, Mapping[str, float | None]], Grade] | None = None
    check: Callable[[RewardEntry], None] | None = None
    uses_pool: bool = False

    def with_defaults(self, entry: RewardEntry) -> dict[str, Any]:
        """Every option of the entry, those it leaves out at their defaults."""
        return {option.name: option.default for option in self.options} | dict(entry.options)


COLUMN = GraderOption("column", "text", "answer", "Column that holds the gold answer.")
EXTRACTION = GraderOption(
    "extraction", "text", "auto", "Where the answer stands in the completion.", tuple(EXTRACTIONS)
)
WHOLE_EXTRACTION = replace(EXTRACTION, default="whole")
IGNORE_CASE = GraderOption("ignore_case", "bool", False, "Treat A and a as the same.")
