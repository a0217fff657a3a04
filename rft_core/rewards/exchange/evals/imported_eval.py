"""ImportedEval: what an eval of another tool becomes here, and what of it cannot come along.

Parts that have no counterpart are named by their path (`tests[0].assert[1].type`). Nothing is left
out unless somebody says so: `require_whole` refuses an eval with such parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rft_core.data import ColumnMapping, PromptSet, PromptTemplate, Table, import_table
from rft_core.data.table import build_table
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet
from rft_core.types import Row

MOST_TOLD = 20


class EvalFindings:
    """What was found on the way through a file: remarks to know, and parts that stay behind.

    What is found twice, as with assertions that every test has, is told once.
    """

    def __init__(self) -> None:
        self._remarks: dict[str, None] = {}
        self._unsupported: dict[str, None] = {}

    @property
    def remarks(self) -> tuple[str, ...]:
        return tuple(self._remarks)

    @property
    def unsupported(self) -> tuple[str, ...]:
        return tuple(self._unsupported)

    def leave(self, path: str, what: str) -> None:
        """This part cannot come along; `what` says why, and what to do instead."""
        self._unsupported[f"{path}: {what}"] = None

    def remark(self, text: str) -> None:
        self._remarks[text] = None


@dataclass(frozen=True)
class ImportedEval:
    """Rewards, and rows with the template that asks the model about them.

    `source`: the tool that it came from. `unsupported`: parts by their path, each with what to do.
    """

    name: str
    source: str
    rewards: RewardSet
    rows: tuple[Row, ...]
    template: PromptTemplate
    remarks: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()

    @property
    def table(self) -> Table:
        """The rows as every source of prompts gives them, within its limits."""
        located = ((f"Row {number}", row) for number, row in enumerate(self.rows, 1))
        return build_table(self.name, self.source, located)

    def make_prompt_set(self, validation: float = 0.2, seed: int = 0) -> PromptSet:
        """Raises `BadInputError` with the row's number where one cannot be asked."""
        return import_table(
            self.table, name=self.name, template=self.template, mapping=ColumnMapping({}),
            validation=validation, seed=seed,
        )  # fmt: skip


def require_whole(imported: ImportedEval, fix: str) -> None:
    """Raise `BadInputError` that names every part that cannot come along; `fix` says what to do."""
    if imported.unsupported:
        raise BadInputError(
            f"Not all of '{imported.name}' can be imported", join(imported.unsupported), fix
        )


def nothing_left(name: str, what: str, findings: EvalFindings) -> BadInputError:
    """For an eval of which no `what` is left."""
    why = join(findings.unsupported) or "The file has none"
    return BadInputError(f"'{name}' has no {what} that can be imported", why)


def join(parts: Sequence[str]) -> str:
    return "; ".join(_shorten(parts))


def _shorten(parts: Sequence[str]) -> Iterator[str]:
    yield from parts[:MOST_TOLD]
    if len(parts) > MOST_TOLD:
        yield f"and {len(parts) - MOST_TOLD:,} more"
