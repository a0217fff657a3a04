"""Which rows of a prompt set can be scored at all: found out before anything is sampled.

The graders are asked themselves, with completions that say nothing: what a grader leaves unscored
then, it leaves unscored because of the row (a gold answer that it cannot read, a column that is
missing, tests that are none). Where a row's own solution is known, that is graded too: a solution
that earns nothing says that row and reward do not fit together. Not asked is what may judge by more
than the row: a model, a judge, a person's own code, of which only the columns that it names are
looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft_core.data.split import draw_rows
from rft_core.rewards.code.runs import USED_UP
from rft_core.rewards.contract import (
    LEARNED_GRADER,
    PYTHON_GRADER,
    Batch,
    RewardEntry,
    RewardSet,
)
from rft_core.rewards.deciding import find_deciding
from rft_core.rewards.jailed.user_function import RESERVED
from rft_core.rewards.judge.judge import JUDGE
from rft_core.rewards.python_source import list_needed_arguments
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.triton.graders import COMPILATION, CORRECTNESS, REPORT
from rft_core.sandbox.outcome import InfrastructureError, SandboxRefusedError
from rft_core.sandbox.servers import SERVERS
from rft_core.types import Problem, Row

NOT_ASKED = (PYTHON_GRADER, LEARNED_GRADER, JUDGE.name)
KERNEL_GRADERS = (COMPILATION.name, CORRECTNESS.name)
NO_ANSWER = ""
# In the forms that graders look for: some read the row only once there is an answer.
AN_ANSWER = "<think>\n0\n</think>\n<answer>\n0\n</answer>"
A_KERNEL = "<triton_code>\ndef f(*tensors):\n    return None\n</triton_code>"
MOST_ROWS = 10_000  # that plain functions look at: seconds
MOST_JAILED = 512  # that graders behind the jail's wall look at
MOST_RUN = 32  # that are looked at by running something: a reference, a solution
MOST_KERNELS = 4  # of references of kernels, which take a second and more where nothing is warm
SECONDS = 120.0
EXAMPLES = 3
LONGEST_SHOWN = 40  # characters of a cell in a message

_NOTHING = "nothing_scorable"
_SOME = "unscorable_rows"
_UNPAID = "unpaid_solutions"
_IMPOSSIBLE = "impossible_rows"
ROW_PROBLEMS = (_NOTHING, _SOME, _UNPAID, _IMPOSSIBLE)  # kinds of what `list_problems` gives
FindObstacle = Callable[[Row], str]  # why no completion can satisfy a row; "" where one may


@dataclass(frozen=True)
class FunctionRows:
    """What one function makes of the rows. Keys are row indices, values its reasons.

    `unpaid`: the row's own solution earned 0. `looked_at` and `solutions` count what was tried.
    """

    name: str
    column: str
    looked_at: int
    unscorable: Mapping[int, str]
    solutions: int = 0
    unpaid: Mapping[int, str] = field(default_factory=dict)

    @property
    def can_score_none(self) -> bool:
        return self.looked_at > 0 and len(self.unscorable) == self.looked_at


@dataclass(frozen=True)
class RowCheck:
    """What the functions that could be asked make of the rows, and which of all decide.

    `impossible`: why no completion can satisfy a row, by row index, of the `looked_at` ones.
    """

    rows: Sequence[Row]
    functions: tuple[FunctionRows, ...]
    deciding: tuple[str, ...]
    looked_at: int = 0
    impossible: Mapping[int, str] = field(default_factory=dict)

    @property
    def can_score_none(self) -> bool:
        """No completion can ever be right: nothing that decides can score any row."""
        blind = {function.name for function in self.functions if function.can_score_none}
        return bool(self.deciding) and blind.issuperset(self.deciding)

    @property
    def can_satisfy_none(self) -> bool:
        return self.looked_at > 0 and len(self.impossible) == self.looked_at

    @property
    def unscorable(self) -> tuple[int, ...]:
        """The indices of the rows that something which decides cannot score, or nobody satisfy."""
        found = {i for f in self.functions if f.name in self.deciding for i in f.unscorable}
        return tuple(sorted(found.union(self.impossible)))

    def list_problems(self) -> list[Problem]:
        """One for each function and kind, with counts and examples; the gravest first."""
        found = [*self._describe_unscorable(), *self._describe_unpaid()]
        if self.impossible:
            none = self.can_satisfy_none
            found.append(
                Problem(
                    _IMPOSSIBLE,
                    "error" if none else "warning",
                    "",
                    f"{self._count(self.impossible, self.looked_at)} can be satisfied by no "
                    f"completion: {self._explain('', self.impossible)}",
                    "Correct these rows or leave them out: every completion of them earns nothing",
                )
            )
        return sorted(found, key=lambda problem: problem.severity != "error")

    def _describe_unscorable(self) -> Iterator[Problem]:
        """One problem for functions that leave the same rows unscored."""
        alike: dict[tuple[int, ...], list[FunctionRows]] = {}
        for function in self.functions:
            if function.unscorable:
                alike.setdefault(tuple(function.unscorable), []).append(function)
        for functions in alike.values():
            decide = [function for function in functions if function.name in self.deciding]
            first = (decide or functions)[0]
            is_error = self.can_score_none and bool(decide)
            yield Problem(
                _NOTHING if is_error else _SOME,
                "error" if is_error else "warning",
                first.name,
                f"{self._count(first.unscorable, first.looked_at)} cannot be scored by "
                f"{' and '.join(repr(function.name) for function in functions)}: "
                f"{self._explain(first.column, first.unscorable)}",
                "Correct these rows, map another column, or choose a grader that reads them"
                if is_error
                else "Correct these rows or leave them out: nothing is learned from them",
            )

    def _describe_unpaid(self) -> Iterator[Problem]:
        for function in self.functions:
            if function.unpaid:
                yield Problem(
                    _UNPAID,
                    "warning",
                    function.name,
                    f"The own solution of {self._count(function.unpaid, function.solutions)} earns "
                    f"nothing with '{function.name}': {self._explain('', function.unpaid)}",
                    "Correct the rows, or choose a grader that their solutions satisfy",
                )

    def _count(self, found: Mapping[int, str], looked_at: int) -> str:
        part = f"{len(found):,} of {looked_at:,} rows"
        return part if looked_at == len(self.rows) else f"{part} looked at"

    def _explain(self, column: str, found: Mapping[int, str]) -> str:
        """The commonest reason with rows that have it, and how many have others."""
        reason, count = Counter(found.values()).most_common(1)[0]
        indices = [index for index, why in found.items() if why == reason][:EXAMPLES]
        shown = "; ".join(
            f"row {index + 1}" + (f": {_show(self.rows[index].get(column))}" if column else "")
            for index in indices
        )
        others = len(found) - count
        more = f"; {others:,} for other reasons" if others else ""
        return f"{_lower(reason.rstrip('.'))} ({shown}{more})"


def check_rows(
    reward_set: RewardSet,
    rows: Sequence[Row],
    *,
    solutions: Sequence[str | None] = (),
    find_obstacle: FindObstacle | None = None,
    seed: int = 0,
) -> RowCheck:
    """Which of the rows the reward set can score. `solutions`: of each row its own, where known.

    Of many rows some are drawn by `seed`. What fails on our side says nothing of a row.
    """
    deciding = find_deciding(reward_set)
    checked = []
    for entry in reward_set.entries if rows else ():
        if entry.grader == PYTHON_GRADER:
            found = _check_columns(entry, rows)
        elif entry.grader in NOT_ASKED or GRADERS[entry.grader].combine:
            found = None
        else:
            found = _ask(entry, rows, solutions if entry in deciding else (), seed)
        checked += [found] if found else []
    names = tuple(entry.name for entry in deciding)
    if find_obstacle is None:
        return RowCheck(rows, tuple(checked), names)
    looked_at = draw_rows(len(rows), MOST_JAILED, seed)
    obstacles = {index: find_obstacle(rows[index]) for index in looked_at}
    impossible = {index: why for index, why in obstacles.items() if why}
    return RowCheck(rows, tuple(checked), names, len(looked_at), impossible)


def _check_columns(entry: RewardEntry, rows: Sequence[Row]) -> FunctionRows | None:
    """A function that takes `completions` and a column that no row has fails on every one."""
    needed = list_needed_arguments(entry.source or "", entry.function)
    if "completions" not in needed:
        return None  # it is called in a way of its own
    there = {column for row in rows for column in row}
    missing = [name for name in needed if name not in RESERVED | there]
    if not missing:
        return FunctionRows(entry.name, "", len(rows), {})
    why = f"It takes '{missing[0]}', and the columns are {', '.join(sorted(there))}"
    return FunctionRows(entry.name, "", len(rows), dict.fromkeys(range(len(rows)), why))


def _ask(
    entry: RewardEntry, rows: Sequence[Row], solutions: Sequence[str | None], seed: int
) -> FunctionRows | None:
    info = GRADERS[entry.grader]
    if not info.function and not _has_sandbox():
        return None
    looked_at = draw_rows(len(rows), _count_most(entry, rows), seed)
    column = str(info.with_defaults(entry).get("column", ""))
    alone = RewardSet((RewardEntry(entry.name, entry.grader, 1.0, _see_all(entry)),))
    with Scorer(alone, timeout=SECONDS) as scorer:
        unscorable: dict[int, str] = {}
        for text in _say_nothing(entry):
            left = [index for index in looked_at if index not in unscorable]
            graded = _grade(scorer, entry.name, rows, dict.fromkeys(left, text))
            unscorable |= {index: why for index, (score, why) in graded.items() if score is None}
        known = {
            index: text
            for index, text in enumerate(() if entry.grader in KERNEL_GRADERS else solutions)
            if text is not None and index not in unscorable
        }
        tried = [list(known)[at] for at in draw_rows(len(known), MOST_RUN, seed)]
        graded = _grade(scorer, entry.name, rows, {index: known[index] for index in tried})
    unpaid = {i: why for i, (score, why) in graded.items() if score is not None and score <= 0}
    return FunctionRows(
        entry.name, column, len(looked_at), dict(sorted(unscorable.items())), len(graded), unpaid
    )


def _count_most(entry: RewardEntry, rows: Sequence[Row]) -> int:
    """By what it costs to look at one: a call, a turn behind the wall, a run of its reference."""
    info = GRADERS[entry.grader]
    if entry.grader in KERNEL_GRADERS:
        return MOST_KERNELS
    if info.runs_code and any(row.get("reference") and row.get("inputs") for row in rows):
        return MOST_RUN
    return MOST_ROWS if info.function else MOST_JAILED


def _say_nothing(entry: RewardEntry) -> tuple[str, ...]:
    """Where there is no program, nothing is run; what is left is the row."""
    if entry.grader in KERNEL_GRADERS:
        return (A_KERNEL,)
    return (NO_ANSWER,) if GRADERS[entry.grader].runs_code else (NO_ANSWER, AN_ANSWER)


def _see_all(entry: RewardEntry) -> Mapping[str, Any]:
    """Its options; a grader of kernels that stops at what is flagged would not read the row."""
    sees_all = {"detectors": REPORT} if entry.grader in KERNEL_GRADERS else {}
    return {**entry.options, **sees_all}


def _has_sandbox() -> bool:
    """Where no tier holds nothing is scored, and no row is to blame."""
    try:
        return bool(SERVERS.tier)
    except (SandboxRefusedError, InfrastructureError):
        return False


def _grade(
    scorer: Scorer, name: str, rows: Sequence[Row], completions: Mapping[int, str]
) -> dict[int, tuple[float | None, str]]:
    """Score and reason of each completion, by row; without those that our side failed on."""
    indices = list(completions)
    batch = Batch(
        [[] for _ in indices],
        list(completions.values()),
        [rows[index] for index in indices],
        [[0]] * len(indices),  # one token: how long a completion is must be no reason
    )
    scoring = scorer.score(batch)
    failed = {at for report in scoring.reports for at in report.unscored_by_us}
    return {
        index: (sample.scores[name], sample.reasons[name])
        for at, (index, sample) in enumerate(zip(indices, scoring.samples, strict=True))
        if at not in failed and sample.reasons[name] != USED_UP
    }


def _lower(sentence: str) -> str:
    """As it goes on behind a colon."""
    return sentence[:1].lower() + sentence[1:]


def _show(value: Any) -> str:
    text = " ".join(str(value).split()) if isinstance(value, str) else repr(value)
    text = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return f"'{text}'" if isinstance(value, str) else text
