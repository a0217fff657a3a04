"""`testing_criteria` as entries of a reward set: each grader by its path, proved on the rows.

A grader that no row has the values for would score nothing, and one that does not look at the
model's answer teaches nothing: both are named instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
from rft_core.rewards.exchange.openai_graders import (
    KEY_VARIABLE,
    OPENAI_URL,
    identifier,
    list_left_out,
    make_entries,
    title_of,
)
from rft_core.rewards.exchange.openai_spec import (
    GraderFile,
    LabelModel,
    Leaf,
    PythonGrader,
    ScoreModel,
    read_spec,
)
from rft_core.rewards.formula import FORMULA
from rft_core.rewards.text.openai_text import CompletionLacksError, RowLacksError, render
from rft_core.types import Row

ENDPOINT = {"base_url": OPENAI_URL, "key_variable": KEY_VARIABLE}
_OF_ROW = re.compile(r"\{\{\s*item\.[^{}]*\}\}")


def read_criteria(
    value: Any, path: str, rows: Sequence[Row], findings: EvalFindings
) -> tuple[RewardEntry, ...]:
    """The entries of every grader that can come along; the others are named."""
    entries: list[RewardEntry] = []
    for number, spec in enumerate(value if isinstance(value, list) else []):
        where, inner = f"{path}[{number}]", spec
        if isinstance(spec, Mapping) and "type" not in spec and "grader" in spec:
            where, inner = f"{where}.grader", spec["grader"]
        mistakes: list[str] = []
        file = read_spec(inner, where, mistakes)
        if file is None:
            for mistake in mistakes:
                findings.leave(*_with_advice(mistake, where))
        elif problem := _find_blindness(file, where) or _find_gap(file, rows, findings):
            findings.leave(*problem)
        else:
            taken = {entry.name for entry in entries}
            entries += _rename(make_entries(file, identifier(title_of(file)), ENDPOINT), taken)
            for remark in list_left_out(file):
                findings.remark(remark)
    return tuple(entries)


def _with_advice(mistake: str, where: str) -> tuple[str, str]:
    """Path and what is wrong there, with what to do about a type that is not known."""
    path, colon, what = mistake.partition(": ")
    if not colon:
        return where, mistake
    advice = ". Rewrite it as one of them, or as a python grader"
    return path, what + (advice if path.endswith(".type") else "")


def _find_blindness(file: GraderFile, where: str) -> tuple[str, str] | None:
    """Why these graders say nothing of the model's answer; None where one of them looks at it."""
    if any(isinstance(leaf, PythonGrader) for leaf in file.leaves.values()):
        return None
    if any("sample." in text for leaf in file.leaves.values() for _, text in _list_texts(leaf)):
        return None
    return where, (
        "it judges stored answers, not the model's own. "
        "Use {{ sample.output_text }} where it reads the answer"
    )


def _find_gap(
    file: GraderFile, rows: Sequence[Row], findings: EvalFindings
) -> tuple[str, str] | None:
    """The field that no row has; a remark where only some rows lack it."""
    for name, leaf in file.leaves.items():
        for part, text in _list_texts(leaf):
            fields = " ".join(_OF_ROW.findall(text))
            lacking = [n for n, row in enumerate(rows, 1) if _lacks(fields, row)]
            path = f"{file.paths[name]}.{part}"
            if lacking and len(lacking) == len(rows):
                known = ", ".join(dict.fromkeys(key for row in rows for key in row))
                what = f"no row has the values of '{text:.80}'. The rows have {known:.200}"
                return path, what
            if lacking:
                findings.remark(
                    f"'{path}': {len(lacking)} of {len(rows)} rows lack a value (first row "
                    f"{lacking[0]}), and are not scored by it."
                )
    return None


def _lacks(fields: str, row: Row) -> bool:
    try:
        render(fields, "", row)
    except RowLacksError:
        return True
    except CompletionLacksError:
        return False
    return False


def _list_texts(leaf: Leaf) -> Iterator[tuple[str, str]]:
    """The templates of a grader, each with its name."""
    match leaf:
        case PythonGrader():
            return
        case ScoreModel() | LabelModel():
            for number, message in enumerate(leaf.input):
                yield f"input[{number}].content", message.content
        case _:
            yield from (("input", leaf.input), ("reference", leaf.reference))


def _rename(entries: Sequence[RewardEntry], taken: set[str]) -> list[RewardEntry]:
    """The entries under names that are not taken, in formulas too."""
    names: dict[str, str] = {}
    for entry in entries:
        options = (entry.name, *(f"{entry.name}_{n}" for n in range(2, len(taken) + 3)))
        used = taken | set(names.values())
        names[entry.name] = next(name for name in options if name not in used)
    return [_renamed(entry, names) for entry in entries]


def _renamed(entry: RewardEntry, names: Mapping[str, str]) -> RewardEntry:
    options = dict(entry.options)
    if entry.grader == FORMULA.name:
        options["expression"] = re.sub(
            r"\b[A-Za-z_]\w*\b(?!\s*\()",
            lambda found: names.get(found[0], found[0]),
            str(options["expression"]),
        )
    if entry.source is not None and names[entry.name] != entry.name:
        options.setdefault("function", entry.name)
    return replace(entry, name=names[entry.name], options=options)
