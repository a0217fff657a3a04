"""The assertions of all tests as reward functions, and as columns of the rows that they judge.

Where every test asserts the same, the weighted sum of the functions is Promptfoo's score of a test,
times the weights' sum. Where tests differ, the checks without a metric of their own become one
function, `assertions`, whose score is that mean.
"""

from __future__ import annotations

import json
import keyword
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry
from rft_core.rewards.exchange.evals.asking import free_name
from rft_core.rewards.exchange.evals.imported_eval import Findings
from rft_core.rewards.exchange.evals.nunjucks import has_fields
from rft_core.rewards.exchange.evals.promptfoo_assertions import Asserted, convert
from rft_core.rewards.exchange.evals.promptfoo_judge import (
    INSTRUCTION,
    default_rubric_prompt,
    fill_rubric_prompt,
    read_endpoint,
    read_rubric_prompt,
)
from rft_core.rewards.exchange.evals.promptfoo_python import write_source
from rft_core.rewards.exchange.evals.promptfoo_tests import PlacedAssertion, PromptfooTest
from rft_core.rewards.exchange.openai_graders import identifier, with_whole_row
from rft_core.types import Row

TOGETHER = "assertions"
RESERVED = ("json", "math")  # what the Python module names itself

Group = tuple[str, str]  # kind and name
JudgeQuestion = tuple[str, str]  # endpoint and messages, as JSON


@dataclass
class JudgedTest:
    """A test on its way to a row: what is asserted of it, and its rubrics by column."""

    row: Row
    asserted: list[Asserted]
    questions: dict[int, JudgeQuestion] = field(default_factory=dict)  # by place in `asserted`


def make_rewards(
    tests: Sequence[PromptfooTest], title: str, findings: Findings
) -> tuple[tuple[RewardEntry, ...], tuple[Row, ...]]:
    """Entries and rows; tests without an assertion that can come along are named."""
    questions: dict[tuple[str, int, JudgeQuestion], str] = {}
    read = (_read_test(test, findings, questions) for test in tests)
    judged = [one for one in read if one.asserted]
    if not judged:
        return (), ()
    if not _are_alike(judged):
        judged = [_put_together(one) for one in judged]
        if len(_list_groups(judged)) > 1:
            findings.remark(
                "The tests do not all assert the same: a row's reward is the weighted sum of what "
                "it has, where Promptfoo takes the mean."
            )
    columns = _Columns(
        free_name(TOGETHER, [one.row for one in judged]),
        free_name("rubric", [one.row for one in judged]),
    )
    names = _name_groups(_list_groups(judged))
    weights = {group: _mean(_weights_of(judged, group)) for group in names}
    entries: list[RewardEntry] = []
    functions = _name_code(judged)
    rows = [_make_row(one, names, functions, columns, weights) for one in judged]
    if functions:
        rows = [dict(row) for row in with_whole_row(rows)]
    for group, name in names.items():
        kind = group[0]
        if kind == "check":
            options: dict[str, Any] = {"column": columns.assertions, "metric": name}
            entries.append(RewardEntry(name, "assertions", weights[group], options))
        elif kind == "python":
            entries.append(RewardEntry(name, PYTHON_GRADER, weights[group]))
        else:
            entries.append(_make_judge(name, group, weights[group], judged, rows, columns))
    groups = [name for (kind, _), name in names.items() if kind == "python"]
    variables = list(dict.fromkeys(key for one in judged for key in one.row))
    code = {name: text for text, name in functions.items()}
    source = write_source(title, code, groups, columns.assertions, variables)
    finished = [replace(e, source=source) if e.grader == PYTHON_GRADER else e for e in entries]
    return tuple(finished), tuple(rows)


@dataclass(frozen=True)
class _Columns:
    """What the rows' new columns are called."""

    assertions: str
    rubric: str


def _read_test(
    test: PromptfooTest, findings: Findings, known: dict[tuple[str, int, JudgeQuestion], str]
) -> JudgedTest:
    """`known`: the groups of the judges so far: each asks one endpoint in one way, once a test."""
    read = JudgedTest(test.row, [])
    counts: dict[str, int] = defaultdict(int)
    for placed in test.assertions:
        asserted = convert(placed, test, findings)
        if asserted is None:
            continue
        if asserted.kind == "judge":
            question = _read_question(placed, test, findings)
            if question is None:
                continue
            key = (asserted.group, counts[asserted.group], question)
            counts[asserted.group] += 1
            number = sum(group == asserted.group for group, *_ in known) + 1
            name = asserted.group if number == 1 else f"{asserted.group}_{number}"
            asserted = replace(asserted, group=known.setdefault(key, name))
            read.questions[len(read.asserted)] = question
        read.asserted.append(asserted)
    if not read.asserted:
        findings.leave(test.path, "nothing is asserted of its answer. Add an assertion")
    return read


def _read_question(
    placed: PlacedAssertion, test: PromptfooTest, findings: Findings
) -> JudgeQuestion | None:
    endpoint = read_endpoint(placed, test, findings)
    messages = read_rubric_prompt(placed, test, findings)
    if endpoint is None or messages is None:
        return None
    return json.dumps(endpoint, sort_keys=True), json.dumps(messages)


def _group_of(asserted: Asserted) -> Group:
    return asserted.kind, asserted.group


def _list_groups(tests: Iterable[JudgedTest]) -> list[Group]:
    """In the order of the file."""
    return list(dict.fromkeys(_group_of(one) for test in tests for one in test.asserted))


def _are_alike(tests: Sequence[JudgedTest]) -> bool:
    """Every test has the same groups, with the same weights."""

    def shape(test: JudgedTest) -> dict[Group, float]:
        weights: dict[Group, float] = defaultdict(float)
        for one in test.asserted:
            weights[_group_of(one)] += one.weight
        return weights

    return all(shape(test) == shape(tests[0]) for test in tests)


def _put_together(test: JudgedTest) -> JudgedTest:
    """The checks that have no metric of their own as one group."""
    asserted = [
        replace(one, group=TOGETHER) if one.kind == "check" and not one.is_named else one
        for one in test.asserted
    ]
    return replace(test, asserted=asserted)


def _weights_of(tests: Sequence[JudgedTest], group: Group) -> list[float]:
    """The group's weight in each test that has it; together, checks are one score."""
    sums = [[one.weight for one in test.asserted if _group_of(one) == group] for test in tests]
    totals = [sum(weights) for weights in sums if weights]
    return [float(any(totals))] if group == ("check", TOGETHER) else totals


def _mean(weights: Sequence[float]) -> float:
    return round(sum(weights) / len(weights), 6)


def _name_groups(groups: Sequence[Group]) -> dict[Group, str]:
    """A name for each that formulas and Python can use, no two alike."""
    names: dict[Group, str] = {}
    for group in groups:
        wanted = identifier(group[1])
        if keyword.iskeyword(wanted) or wanted in RESERVED or not wanted.isascii():
            wanted = f"metric_{len(names) + 1}" if not wanted.isascii() else f"metric_{wanted}"
        options = (wanted, *(f"{wanted}_{number}" for number in range(2, len(groups) + 2)))
        names[group] = next(name for name in options if name not in names.values())
    return names


def _name_code(tests: Sequence[JudgedTest]) -> dict[str, str]:
    """Code -> the name of its function, in the order of the file."""
    codes = dict.fromkeys(
        one.spec["value"] for test in tests for one in test.asserted if one.kind == "python"
    )
    return {code: f"_assertion_{number}" for number, code in enumerate(codes, 1)}


def _make_row(
    test: JudgedTest,
    names: Mapping[Group, str],
    functions: Mapping[str, str],
    columns: _Columns,
    weights: Mapping[Group, float],
) -> dict[str, Any]:
    """The variables, the assertions with the names of their functions, and the rubrics."""
    listed: list[dict[str, Any]] = []
    row = dict(test.row)
    for one in test.asserted:
        name = names[_group_of(one)]
        if one.kind == "judge":
            row[f"{columns.rubric}_{name}"] = one.spec["value"]
            continue
        spec = {key: value for key, value in one.spec.items() if value is not None}
        if one.kind == "python":
            spec["function"] = functions[spec.pop("value")]
        weight = one.weight if weights[_group_of(one)] else 1.0  # only logged: all count the same
        listed.append({**spec, "weight": weight, "metric": name})
    return {**row, columns.assertions: listed} if listed else row


def _make_judge(
    name: str,
    group: Group,
    weight: float,
    tests: Sequence[JudgedTest],
    rows: Sequence[dict[str, Any]],
    columns: _Columns,
) -> RewardEntry:
    """One rubric for all stands in the judge; several stand in the rows."""
    questions = [
        (question, test.asserted[at].spec["value"])
        for test in tests
        for at, question in test.questions.items()
        if _group_of(test.asserted[at]) == group
    ]
    (endpoint, own), rubric = questions[0]
    messages = json.loads(own)
    options = {**json.loads(endpoint), "minimum": 0.0, "maximum": 1.0, "column": ""}
    is_one = len(questions) == len(tests) and all(text == rubric for _, text in questions)
    if is_one and not messages and not has_fields(rubric):
        for row in rows:
            del row[f"{columns.rubric}_{name}"]
        return RewardEntry(name, "judge", weight, {**options, "rubric": f"{rubric}\n{INSTRUCTION}"})
    asked = fill_rubric_prompt(messages or default_rubric_prompt(), f"{columns.rubric}_{name}")
    return RewardEntry(name, "judge", weight, {**options, "messages": json.dumps(asked)})
