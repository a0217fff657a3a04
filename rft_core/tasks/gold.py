"""The completion that each row should be answered with: what supervised fine-tuning learns from.

It comes from a column that the run names, else from the row's own chat (its last assistant turn),
else from the task, which writes it. Rows for which none is known are left out, never invented.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rft_core.data.chats import split_chat
from rft_core.errors import BadInputError
from rft_core.tasks import TASKS
from rft_core.types import Row

# What columns with whole answers are usually called, the likeliest first.
GOLD_COLUMNS = (
    "gold", "completion", "solution", "response", "answer", "final_answer", "output", "target",
    "label",
)  # fmt: skip
_THOUGHT = re.compile(r"<think>.*?</think>\s*", re.DOTALL)


def list_gold(
    rows: Sequence[Row],
    *,
    task: str | None,
    column: str | None = None,
    reasoning: bool = True,
    required: bool = True,
) -> list[str | None]:
    """For each row its gold completion, None where none is known.

    `reasoning`: with its `<think>…</think>` part; without it, the answer alone is learned. Raises
    `BadInputError` if nothing is known of any row, unless it is not `required`.
    """
    texts = [_find_gold(row, task, column) for row in rows]
    if not reasoning:
        texts = [text and _THOUGHT.sub("", text).strip() for text in texts]
    if required and not any(texts):
        raise _no_gold(task, column)
    return [text or None for text in texts]


def _find_gold(row: Row, task: str | None, column: str | None) -> str | None:
    if column is not None:
        if column not in row:
            raise BadInputError(
                f"The prompts have no column '{column:.100}'",
                f"They have {', '.join(row):.300}",
                "Set gold_column to one of them",
            )
        return None if row[column] in (None, "") else str(row[column])
    if chat := split_chat(row):
        return chat[1]
    return TASKS[task].write_gold(row) if task in TASKS else None


def _no_gold(task: str | None, column: str | None) -> BadInputError:
    where = f"The column '{column}' is empty" if column else "No row ends in an assistant's turn"
    writes = "" if column or task not in TASKS else f", and the task '{task}' writes none for them"
    return BadInputError(
        "There is no gold completion to learn from",
        where + writes,
        "Set gold_column to the column with the answers, or choose a task that writes them",
    )
