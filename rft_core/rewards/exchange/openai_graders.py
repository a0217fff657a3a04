"""OpenAI's grader JSON as a reward set; the way back is `openai_export.py`.

| OpenAI            | here                                                                    |
|-------------------|-------------------------------------------------------------------------|
| `string_check`    | grader `string_check`                                                   |
| `text_similarity` | grader `text_similarity` (not `cosine` and `meteor`, which need models) |
| `python`          | Python entry: its `grade(sample, item)` with an adapter below it        |
| `score_model`     | grader `judge` with its messages, in the judge's own range              |
| `label_model`     | grader `judge` with labels                                              |
| `multi`           | its graders with weight 0, and a `formula` with weight 1                |

Judges ask the endpoint given at import. What cannot be carried over is refused by its path, and
what means nothing here is left out with a remark: a grader that means something else would be
worse than none. Source: https://platform.openai.com/docs/guides/graders
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.exchange.openai_spec import (
    GraderFile,
    LabelModel,
    Leaf,
    PythonGrader,
    ScoreModel,
    StringCheck,
    TextSimilarity,
    read_grader,
)
from rft_core.rewards.jailed.user_function import RESERVED
from rft_core.rewards.scorer import check_reward_set
from rft_core.types import Row

OPENAI_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
WHOLE_ROW = "whole_row"  # a column with the row, where calls keep some of its names for themselves
ADAPTER_MARK = "\n\n# --- from here on: how RFT Studio calls grade(sample, item) ---\n"
_ADAPTER = """
def {function}(completions, log_extra=None, **columns):
    import json

    own = {{"prompts", "completion_ids", "trainer_state", "log_metric"}}
    whole = columns.pop("{WHOLE_ROW}", [None] * len(completions))
    names = [name for name in columns if name not in own]
    scores = []
    for index, text in enumerate(completions):
        item = whole[index] or {{name: columns[name][index] for name in names}}
        try:
            parsed = json.loads(text)
        except (ValueError, RecursionError):
            parsed = None
        said = {{"message": {{"role": "assistant", "content": text}}}}
        sample = {{"output_text": text, "output_json": parsed, "output_tools": []}}
        score = grade(sample | {{"choices": [said]}}, item)
        scores.append(float(score) if isinstance(score, bool) else score)
    return scores
"""

_LEFT_OUT = {
    "sampling_params": "judges are asked at temperature 0",
    "pass_threshold": "the reward is the score itself, not whether it passes",
}


@dataclass(frozen=True)
class Imported:
    """A reward set that came from a file, and what should be known about how it came."""

    rewards: RewardSet
    remarks: tuple[str, ...] = ()


def import_grader(
    text: str, *, base_url: str = OPENAI_URL, key_variable: str = KEY_VARIABLE
) -> Imported:
    """The reward set that grades like this JSON. Raises `BadInputError` naming every mistake."""
    file = read_grader(text)
    endpoint = {"base_url": base_url, "key_variable": key_variable}
    title = title_of(file)
    rewards = RewardSet(make_entries(file, identifier(title), endpoint), title)
    check_reward_set(rewards)
    return Imported(rewards, (*list_left_out(file), *list_judges(rewards)))


def title_of(file: GraderFile) -> str:
    """The grader's own name, or its type."""
    return file.name or (file.multi.type if file.multi else file.leaves[""].type)


def make_entries(
    file: GraderFile, name: str, endpoint: Mapping[str, str]
) -> tuple[RewardEntry, ...]:
    """The entries of one grader: itself under this name, or its parts and a formula over them."""
    if not file.multi:
        return (_entry(file.leaves[""], name, 1.0, endpoint),)
    entries = [_entry(leaf, of, 0.0, endpoint) for of, leaf in file.leaves.items()]
    total = name
    while total in file.leaves:
        total += "_total"
    expression = {"expression": file.multi.calculate_output}
    return (*entries, RewardEntry(total, "formula", 1.0, expression))


def with_whole_row(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows, each whole in a column of its own where a column's name is one that calls keep."""
    if not any(RESERVED & set(row) for row in rows):
        return tuple(rows)
    return tuple({**row, WHOLE_ROW: dict(row)} for row in rows)


def adapt_grade(source: str, name: str) -> RewardEntry:
    """A Python entry that calls the source's `grade(sample, item)` for each completion.

    The adapter is named after the entry, unless the source uses that name itself.
    """
    taken = name == "grade" or re.search(rf"\b{re.escape(name)}\b", source)
    function = f"rft_{name}" if taken else name
    options = {"function": function} if taken else {}
    adapted = source + ADAPTER_MARK + _ADAPTER.format(function=function, WHOLE_ROW=WHOLE_ROW)
    return RewardEntry(name, PYTHON_GRADER, 1.0, options, adapted)


def _entry(leaf: Leaf, name: str, weight: float, endpoint: Mapping[str, str]) -> RewardEntry:
    match leaf:
        case PythonGrader():
            entry = adapt_grade(leaf.source, name)
            return RewardEntry(name, PYTHON_GRADER, weight, entry.options, entry.source)
        case StringCheck():
            options = leaf.model_dump(include={"input", "reference", "operation"})
            return RewardEntry(name, "string_check", weight, options)
        case TextSimilarity():
            options = leaf.model_dump(include={"input", "reference"})
            options["metric"] = leaf.evaluation_metric
            return RewardEntry(name, "text_similarity", weight, options)
        case ScoreModel() | LabelModel():
            return RewardEntry(name, "judge", weight, {**endpoint, **_judge_options(leaf)})


def _judge_options(leaf: ScoreModel | LabelModel) -> dict[str, Any]:
    messages = [
        {"role": message.role.replace("developer", "system"), "content": message.content}
        for message in leaf.input
    ]
    options: dict[str, Any] = {
        "model": leaf.model, "messages": json.dumps(messages), "column": "", "raw": True,
    }  # fmt: skip
    if isinstance(leaf, ScoreModel):
        return options | {"minimum": leaf.range[0], "maximum": leaf.range[1]}
    labels = {"labels": leaf.labels, "passing_labels": leaf.passing_labels}
    return options | {name: json.dumps(value) for name, value in labels.items()}


def list_left_out(file: GraderFile) -> Iterator[str]:
    """A remark for every field that means nothing here."""
    specs = [(file.paths.get(name, ""), leaf) for name, leaf in file.leaves.items()]
    for path, spec in [*specs, *([(file.path, file.multi)] if file.multi else [])]:
        for field in spec.model_extra or {}:
            where = f"{path}.{field}" if path else field
            yield f"'{where}' was left out: {_LEFT_OUT.get(field, 'it means nothing here')}."


def list_judges(rewards: RewardSet) -> Iterator[str]:
    """A remark that says whom the judges will ask."""
    judges = [entry for entry in rewards.entries if entry.grader == "judge"]
    if judges:
        names = ", ".join(f"'{entry.name}'" for entry in judges)
        options = judges[0].options
        key = f" with the key in {options['key_variable']}" if options["key_variable"] else ""
        yield f"{names} will ask {options['base_url']}{key}: change that in the judge's row."


def identifier(title: str) -> str:
    """A title as a name that formulas can use."""
    name = re.sub(r"\W+", "_", title).strip("_")
    return name if name.isidentifier() else f"grader_{name}".rstrip("_")
