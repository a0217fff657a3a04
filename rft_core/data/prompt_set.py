"""PromptSet: the immutable, content-addressed result of importing prompts.

It holds the rows, the template that turns each into messages, and the split. Storing it is the
store's business (`to_json`, `from_json`); an edited prompt set is a new one with a new id.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from rft_core.data.chats import CHAT
from rft_core.data.mapping import ColumnMapping, RowField, apply_mapping
from rft_core.data.split import Split, split_prompts
from rft_core.data.table import Table
from rft_core.data.template import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.types import Message, Row

BUILT_IN = "built in"  # the source of a set whose rows a task has made
_ID_DIGITS = 16


@dataclass(frozen=True)
class PromptSet:
    """Made by `make_prompt_set` or `import_table`. `task` is None for a custom one.

    `id` hashes all that a run depends on: rows, template, mapping, split and task, but not name,
    source and creation time.
    """

    id: str
    name: str
    task: str | None
    rows: tuple[Row, ...]
    template: PromptTemplate
    mapping: ColumnMapping
    split: Split
    source: str
    created_at: str

    @property
    def train_rows(self) -> tuple[Row, ...]:
        return tuple(self.rows[index] for index in self.split.train)

    @property
    def validation_rows(self) -> tuple[Row, ...]:
        return tuple(self.rows[index] for index in self.split.validation)

    def prompts(self, rows: Sequence[Row] | None = None) -> list[list[Message]]:
        """The messages of `rows`, of all rows by default."""
        return [self.template.render(row) for row in (self.rows if rows is None else rows)]

    def ask(self, row: Row) -> list[Message]:
        """The messages for a row of somebody's own, which may have a text in the place of a chat.

        Raises BadInputError where the template needs what the row lacks.
        """
        asked = next((name for name, c in self.mapping.columns.items() if c == CHAT), "")
        if self.template.asks_chats and CHAT not in row and isinstance(row.get(asked), str):
            row = {**row, CHAT: [{"role": "user", "content": row[asked]}]}
        return self.template.render(row)

    def to_json(self) -> str:
        return _canonical_json(_to_dict(self))

    @classmethod
    def from_json(cls, text: str) -> PromptSet:
        """Inverse of `to_json`. Raises BadInputError if the content is not what `id` promises."""
        try:
            data = json.loads(text)
            split = data["split"]
            prompt_set = cls(
                id=data["id"],
                name=data["name"],
                task=data["task"],
                rows=tuple(data["rows"]),
                template=PromptTemplate(**data["template"]),
                mapping=ColumnMapping(**data["mapping"]),
                split=Split(tuple(split["train"]), tuple(split["validation"]), split["seed"]),
                source=data["source"],
                created_at=data["created_at"],
            )
        except (ValueError, LookupError, TypeError) as error:
            raise _damaged(f"its JSON cannot be read ({error})") from error
        if prompt_set.id != _content_id(_to_dict(prompt_set)):
            raise _damaged("its content does not match its id")
        return prompt_set


def make_prompt_set(
    rows: Sequence[Row],
    *,
    name: str,
    template: PromptTemplate,
    split: Split,
    task: str | None = None,
    mapping: ColumnMapping | None = None,
    source: str = "",
    now: datetime | None = None,
) -> PromptSet:
    """A prompt set of rows that already have a task's fields and a split, with its id."""
    draft = PromptSet(
        id="",
        name=name,
        task=task,
        rows=tuple(rows),
        template=template,
        mapping=mapping or ColumnMapping({}),
        split=split,
        source=source,
        created_at=(now or datetime.now(UTC)).isoformat(timespec="seconds"),
    )
    return replace(draft, id=_content_id(_to_dict(draft)))


def import_table(
    table: Table,
    *,
    name: str,
    template: PromptTemplate,
    mapping: ColumnMapping,
    fields: Sequence[RowField] = (),
    task: str | None = None,
    validation: float = 0.2,
    seed: int = 0,
    now: datetime | None = None,
) -> PromptSet:
    """Map a user's table, render every row (so that all are known to work) and split.

    Raises BadInputError, with the row where there is one; then nothing exists.
    """
    rows = apply_mapping(table, mapping, fields)
    texts = [
        "\n".join(message["content"] for message in _render_row(template, number, row))
        for number, row in enumerate(rows, start=1)
    ]
    return make_prompt_set(
        rows,
        name=name.strip() or table.name,
        template=template,
        split=split_prompts(texts, validation=validation, seed=seed),
        task=task,
        mapping=mapping,
        source=table.name,
        now=now,
    )


def _render_row(template: PromptTemplate, number: int, row: Row) -> list[Message]:
    try:
        return template.render(row)
    except BadInputError as error:
        raise BadInputError(f"Row {number}: {error.what}", error.why, error.fix) from error


def _to_dict(prompt_set: PromptSet) -> dict[str, Any]:
    """Like `dataclasses.asdict`, without copying every cell of every row."""
    parts = {key: asdict(getattr(prompt_set, key)) for key in ("template", "mapping", "split")}
    return {**vars(prompt_set), **parts}


def _content_id(data: Mapping[str, Any]) -> str:
    content = {key: data[key] for key in ("task", "rows", "template", "mapping", "split")}
    return hashlib.sha256(_canonical_json(content).encode()).hexdigest()[:_ID_DIGITS]


def _canonical_json(data: Any) -> str:
    return json.dumps(
        data, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _damaged(why: str) -> BadInputError:
    return BadInputError("The stored prompt set is damaged", why, "Import its source again")
