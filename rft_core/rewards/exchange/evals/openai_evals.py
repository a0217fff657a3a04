"""An eval of OpenAI's platform: graders, and rows with the messages that ask about them.

| there                                | here                                                 |
|--------------------------------------|------------------------------------------------------|
| `testing_criteria`                   | reward functions, by `openai_graders.py`             |
| `data_source.input_messages` (a run) | the prompt's template                                |
| `data_source.source.content`, a file | rows, each `item`'s values as columns                |
| `data_source_config.item_schema`     | what rows are held to                                |

The eval and its run are objects of their own there; here they may stand in one file (`data_source`,
`run` or `runs` beside the criteria) or in two. Every criterion weighs 1: an eval passes where all
of them do. Source: https://platform.openai.com/docs/api-reference/evals
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardSet
from rft_core.rewards.exchange.evals.asking import (
    AskedMessage,
    make_asking,
    make_asking_of_chats,
)
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings, ImportedEval, nothing_left
from rft_core.rewards.exchange.evals.openai_criteria import read_criteria
from rft_core.rewards.exchange.evals.openai_rows import (
    FoundRecords,
    find_item_schema,
    read_rows,
)
from rft_core.rewards.exchange.openai_graders import list_judges, with_whole_row
from rft_core.rewards.scorer import check_reward_set
from rft_core.rewards.text.openai_text import (
    NAMESPACES,
    CompletionLacksError,
    RowLacksError,
    check_template,
    render,
)
from rft_core.types import Row

OPENAI_EVALS = "OpenAI Evals"
CRITERIA = "testing_criteria"
EVAL_KEYS = (CRITERIA, "data_source_config", "name", "data_source", "run", "runs")
FREE_KEYS = ("id", "object", "created_at", "metadata", "updated_at", "shared_with_openai")
RUN_KEYS = ("type", "input_messages", "source")
HOW_TO_ASK = (
    "Bring the run's JSON, which has it, as a second file, or say how with a template such as "
    "{{ question }}"
)


def is_openai_eval(value: Any) -> bool:
    return isinstance(value, Mapping) and CRITERIA in value


def read_openai_eval(
    value: Mapping[str, Any],
    name: str,
    others: Sequence[tuple[str, list[Any]]] = (),
    template: PromptTemplate | None = None,
) -> ImportedEval:
    """`others`: further files' records, of a run or of rows. `template`: how the model is asked,
    where the eval does not say. Raises `BadInputError` where no rewards, no rows or no prompt are
    left.
    """
    findings = EvalFindings()
    data_source, path, records = _find_run(value, others)
    found = records or _find_content(value, data_source, path, findings)
    rows = read_rows(found, find_item_schema(value.get("data_source_config")), findings)
    title = str(value.get("name") or name)
    entries = read_criteria(value[CRITERIA], CRITERIA, rows, findings)
    _remark_other_keys(value, data_source, path, findings)
    if not rows:
        raise nothing_left(title, "rows", findings)
    if not entries:
        raise nothing_left(title, "grader", findings)
    if any(entry.grader == PYTHON_GRADER for entry in entries):
        rows = with_whole_row(rows)
    rewards = RewardSet(entries, title)
    check_reward_set(rewards)
    for remark in list_judges(rewards):
        findings.remark(remark)
    asking = (template, rows) if template else _read_asking(data_source, path, rows, findings)
    if asking is None:
        raise nothing_left(title, "prompt", findings)
    return ImportedEval(
        title, OPENAI_EVALS, rewards, asking[1], asking[0],
        findings.remarks, findings.unsupported,
    )  # fmt: skip


def _find_run(
    value: Mapping[str, Any], others: Sequence[tuple[str, list[Any]]]
) -> tuple[Mapping[str, Any], str, FoundRecords | None]:
    """The run's `data_source` with its path, and the records of a file of rows."""
    runs = value.get("runs")
    places: list[tuple[Any, str]] = [(value, ""), (value.get("run"), "run.")]
    if isinstance(runs, list) and runs:
        places.append((runs[-1], f"runs[{len(runs) - 1}]."))
    records = None
    for name, lines in others:
        if len(lines) == 1 and isinstance(lines[0], Mapping) and "data_source" in lines[0]:
            places.insert(0, (lines[0], f"{name}: "))
        else:
            records = FoundRecords(tuple(lines), name)
    for place, prefix in places:
        data_source = place.get("data_source") if isinstance(place, Mapping) else None
        if isinstance(data_source, Mapping):
            return data_source, f"{prefix}data_source", records
    return {}, "data_source", records


def _find_content(
    value: Mapping[str, Any], data_source: Mapping[str, Any], path: str, findings: EvalFindings
) -> FoundRecords:
    source = data_source.get("source")
    content = source.get("content") if isinstance(source, Mapping) else None
    if isinstance(content, list):
        return FoundRecords(tuple(content), f"{path}.source.content")
    if isinstance(source, Mapping):
        kind = source.get("type")
        also = f" ({source['id']})" if isinstance(source.get("id"), str) else ""
        findings.leave(
            f"{path}.source.type",
            f"the rows of a '{kind}' source{also} stay with OpenAI. Download them, and bring "
            "the file as a second one",
        )
    else:
        config = value.get("data_source_config")
        kind = config.get("type") if isinstance(config, Mapping) else None
        findings.leave(
            "data_source_config.type",
            f"'{kind}': the file holds no rows. Bring them as a second file: JSON lines with an "
            "'item' each",
        )
    return FoundRecords((), f"{path}.source.content")


def _read_asking(
    data_source: Mapping[str, Any], path: str, rows: Sequence[Row], findings: EvalFindings
) -> tuple[PromptTemplate, tuple[Row, ...]] | None:
    value, where = data_source.get("input_messages"), f"{path}.input_messages"
    if isinstance(value, Mapping) and value.get("type") == "item_reference":
        chats = _read_chats(str(value.get("item_reference")), where, rows, findings)
        return make_asking_of_chats(chats, rows, findings) if chats else None
    if not isinstance(value, Mapping) or value.get("type") != "template":
        findings.leave(where, f"how the model is asked is not in the file. {HOW_TO_ASK}")
        return None
    messages = _read_messages(value.get("template"), f"{where}.template", findings)
    if messages is None:
        return None
    for message in messages:
        try:
            check_template(message.content)
            for row in rows:
                render(message.content, "", row)
        except BadInputError as error:
            findings.leave(f"{message.path}.content", str(error))
            return None
        except (RowLacksError, CompletionLacksError) as error:
            findings.leave(f"{message.path}.content", f"a row has no '{error}' to ask about")
            return None
    return make_asking(
        messages, rows, lambda text, row: render(text, "", row), findings, f"{NAMESPACES[0]}."
    )


def _read_chats(
    reference: str, path: str, rows: Sequence[Row], findings: EvalFindings
) -> list[list[AskedMessage]] | None:
    """The messages that each row has in the place that is referred to: `item.input`."""
    chats = []
    for number, row in enumerate(rows):
        value: Any = row
        for step in reference.split(".")[1:]:
            value = value.get(step) if isinstance(value, Mapping) else None
        at = f"{path}.item_reference: '{reference}' of row {number + 1}"
        chat = _read_messages(value, at, findings)
        if chat is None:
            return None
        chats.append(chat)
    return chats


def _read_messages(value: Any, path: str, findings: EvalFindings) -> list[AskedMessage] | None:
    messages = []
    for number, one in enumerate(value if isinstance(value, list) else []):
        at = f"{path}[{number}]"
        text = _read_content(one.get("content") if isinstance(one, Mapping) else None)
        if text is None:
            findings.leave(f"{at}.content", "a model here is asked in text alone")
            return None
        messages.append(AskedMessage(str(one.get("role")), text, at))
    if not messages:
        findings.leave(path, f"it has no messages. {HOW_TO_ASK}")
    return messages or None


def _read_content(content: Any) -> str | None:
    """A text, a part with a text, or a list of either."""
    parts = content if isinstance(content, list) else [content]
    texts = [part.get("text") if isinstance(part, Mapping) else part for part in parts]
    shown = [text for text in texts if isinstance(text, str)]
    return "\n".join(shown) if shown and len(shown) == len(texts) else None


def _remark_other_keys(
    value: Mapping[str, Any], data_source: Mapping[str, Any], path: str, findings: EvalFindings
) -> None:
    for key in value:
        if key not in (*EVAL_KEYS, *FREE_KEYS):
            findings.remark(f"'{key}' was left out: it means nothing here.")
    runs = value.get("runs")
    if isinstance(runs, list) and len(runs) > 1:
        findings.remark(f"'runs': the last of {len(runs)} says how the model is asked.")
    for key in data_source:
        if key == "model":
            findings.remark(f"'{path}.model' was left out: choose the model that is trained.")
        elif key == "sampling_params":
            _remark_sampling(data_source[key], f"{path}.{key}", findings)
        elif key not in RUN_KEYS:
            findings.remark(f"'{path}.{key}' was left out: it means nothing here.")


def _remark_sampling(value: Any, path: str, findings: EvalFindings) -> None:
    params = value if isinstance(value, Mapping) else {}
    if params.get("tools"):
        findings.leave(f"{path}.tools", "models here call no tools. Ask for the answer as text")
    others = [key for key in params if key != "tools" and params[key] is not None]
    if others:
        findings.remark(
            f"'{path}' ({', '.join(others)}) was left out: a run's own settings say how it samples."
        )
