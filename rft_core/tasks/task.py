"""Task: what is asked, of which rows, and how the completions are scored.

`validate()` proves on real rows that the gold completion earns the full reward: a reward that its
own gold answer does not satisfy teaches nothing. Tasks hold no model and no training settings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rft_core.data.mapping import RowField
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError, RftError
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.types import Message, Row

Rows = list[dict[str, Any]]

KIND_NAMES: Mapping[str, str] = {  # as the `tasks` command and the upload form spell them
    "text": "str", "integer": "int", "number": "number", "integers": "[int]", "list": "list",
    "object": "object", "any": "str or number",
}  # fmt: skip

_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float),
    "integers": lambda value: isinstance(value, list) and all(type(v) is int for v in value),
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "any": lambda value: value is not None,
}


@dataclass(frozen=True)
class OtherRewards:
    """Rewards that a task may be trained on in the place of its own; `about`: in a few words."""

    rewards: RewardSet
    about: str


@dataclass(frozen=True)
class Task:
    """`make_rows(split, count, seed)` gives distinct rows; the three splits never share a row.

    Tasks without rows of their own (`make_rows` None) are fed by uploads. `write_gold` gives a
    full-reward completion for a row, or None where it knows none. `make_key` gives the same key to
    rows too much alike to stand on both sides of a split; by default only equal rows are. `is_made`
    tells rows of `make_rows` from uploads with the same columns, where these are another test.
    `cheats` names completions (name -> completion) that try to be paid for a row without solving
    it: the reward probes show any that earns more than a wrong answer in the right form would.
    `find_obstacle` says why no completion can satisfy a row, "" where one may. `other_rewards`: by
    the names that a run's `reward_set` may hold. Tasks of one `family` ask the same, easier or
    harder: a model that knows one of them knows the others.
    """

    name: str
    title: str
    description: str
    fields: tuple[RowField, ...]
    template: PromptTemplate
    reward_set: RewardSet
    example_row: Row
    write_gold: Callable[[Row], str | None]
    make_rows: Callable[[str, int, int], Rows] | None = None
    make_key: Callable[[Row], Hashable] | None = None
    is_made: Callable[[Row], bool] | None = None
    cheats: Callable[[Row], Mapping[str, str]] | None = None
    find_obstacle: Callable[[Row], str] | None = None
    other_rewards: Mapping[str, OtherRewards] = field(default_factory=dict)
    hub_name: str = ""
    family: str = ""

    @property
    def columns(self) -> dict[str, str]:
        """Row column -> type, as people read it: {"nums": "[int]", "target": "int"}."""
        return {field.name: KIND_NAMES[field.kind] for field in self.fields}

    def load(self, num_prompts: int, num_validation_prompts: int, seed: int) -> tuple[Rows, Rows]:
        """Training and validation rows, the same ones for the same seed."""
        make = self._get_maker()
        return make("train", num_prompts, seed), make("validation", num_validation_prompts, seed)

    def held_out(self, count: int, seed: int = 0, without: Collection[Hashable] = ()) -> Rows:
        """Rows for evaluation: of neither split, and with no `row_key` that is in `without`.

        Raises `BadInputError` if there are not so many.
        """
        make, drawn = self._get_maker(), count
        while True:
            rows = make("held_out", drawn, seed)
            rows = [row for row in rows if self.row_key(row) not in without]
            if len(rows) >= count:
                return rows[:count]
            drawn += count - len(rows)

    def row_key(self, row: Row) -> Hashable:
        """What evaluation must not share with training; only the columns of the task count."""
        if self.make_key:
            return self.make_key(row)
        return json.dumps([row.get(field.name) for field in self.fields], sort_keys=True)

    def prompt(self, row: Row) -> list[Message]:
        """The messages that ask for this row."""
        return self.template.render(row)

    def check_row(self, row: Row) -> None:
        """Raise `BadInputError` unless the row has this task's columns in the right types."""
        for wanted in self.fields:
            if wanted.name not in row:
                if wanted.required:
                    raise BadInputError(f"The row has no '{wanted.name}'", self._row_rule())
            elif row[wanted.name] is None and not wanted.required:
                continue
            elif not _CHECKS[wanted.kind](row[wanted.name]):
                raise BadInputError(
                    f"'{wanted.name}' is {row[wanted.name]!r:.80}, not {KIND_NAMES[wanted.kind]}",
                    self._row_rule(),
                )

    def validate(self, rows: Sequence[Row] | None = None) -> None:
        """Raise `RftError` if a gold completion of `rows` falls short of the full reward.

        Rows whose gold is not known prove nothing and are left out; all of them must not be.
        """
        if rows is None:
            rows = self.held_out(20) if self.make_rows else [self.example_row]
        golds = [self.write_gold(row) for row in rows]
        known = [(row, gold) for row, gold in zip(rows, golds, strict=True) if gold is not None]
        if not known:
            raise RftError(
                f"The rewards of task '{self.name}' cannot be proved",
                f"no gold completion is known of any of the {len(rows)} rows",
                "Give it rows with a worked answer",
            )
        batch = Batch(
            prompts=[self.prompt(row) for row, _ in known],
            completions=[gold for _, gold in known],
            rows=[row for row, _ in known],
        )
        with Scorer(self.reward_set) as scorer:
            scoring = scorer.score(batch)
        for (row, _), sample in zip(known, scoring.samples, strict=True):
            if any(score != 1.0 for score in sample.scores.values()):
                raise RftError(
                    f"The gold completion of task '{self.name}' does not earn the full reward",
                    f"for the row {dict(row)} it got {dict(sample.scores)}",
                )

    def _get_maker(self) -> Callable[[str, int, int], Rows]:
        if self.make_rows is None:
            hub = f", or name the hub dataset '{self.hub_name}'" if self.hub_name else ""
            raise BadInputError(
                f"The task '{self.name}' brings no prompts of its own",
                "",
                f"Upload a file with the columns {', '.join(self.columns)}{hub}",
            )
        return self.make_rows

    def _row_rule(self) -> str:
        wanted = ", ".join(f'"{name}": {kind}' for name, kind in self.columns.items())
        return f"a row of '{self.name}' is {{{wanted}}}"
