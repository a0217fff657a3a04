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
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
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
RESERVED_NAMES = ("json", "math")  # what the Python module names itself

Group = tuple[str, str]  # kind and name
JudgeQuestion = tuple[str, str]  # endpoint and messages, as JSON
KnownQuestions = dict[tuple[str, int, JudgeQuestion], str]


@dataclass
class JudgedTest:
    """A test on its way to a row: what is asserted of it, and how its judges are asked."""

    row: Row
    asserted: list[Asserted]
    questions: dict[int, JudgeQuestion] = field(default_factory=dict)  # by place in `asserted`


@dataclass(frozen=True)
class RewardLayout:
    """What everything is called, in the rewards and in the rows.

    `names` and `weights` are of each group, `functions` gives each code's name in the module.
    `assertions` and `rubric` are columns; each judge whose rubrics differ has one of its own, and
    `shared` are the rubrics of the others.
    """

    names: Mapping[Group, str]
    weights: Mapping[Group, float]
    functions: Mapping[str, str]
    assertions: str
    rubric: str
    shared: Mapping[Group, str]

    def rubric_column(self, group: Group) -> str:
        return f"{self.rubric}_{self.names[group]}"


def make_rewards(
    tests: Sequence[PromptfooTest], title: str, findings: EvalFindings
) -> tuple[tuple[RewardEntry, ...], tuple[Row, ...]]:
    """Entries and rows; tests without an assertion that can come along are named."""
    known: KnownQuestions = {}
    read = [_read_test(test, findings, known) for test in tests]
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
    layout = _lay_out(judged)
    variables = list(dict.fromkeys(key for one in judged for key in one.row))
    if layout.functions:
        whole = with_whole_row([one.row for one in judged])
        judged = [replace(one, row=row) for one, row in zip(judged, whole, strict=True)]
    rows = [_make_row(one, layout) for one in judged]
    source = _write_python(title, layout, variables)
    entries = tuple(_make_entry(group, layout, judged, source) for group in layout.names)
    return entries, tuple(rows)


def _read_test(test: PromptfooTest, findings: EvalFindings, known: KnownQuestions) -> JudgedTest:
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
    placed: PlacedAssertion, test: PromptfooTest, findings: EvalFindings
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


def _lay_out(tests: Sequence[JudgedTest]) -> RewardLayout:
    groups = _list_groups(tests)
    codes = dict.fromkeys(
        one.spec["value"] for test in tests for one in test.asserted if one.kind == "python"
    )
    rows = [test.row for test in tests]
    return RewardLayout(
        names=_name_groups(groups),
        weights={group: _weigh(tests, group) for group in groups},
        functions={code: f"_assertion_{number}" for number, code in enumerate(codes, 1)},
        assertions=free_name(TOGETHER, rows),
        rubric=free_name("rubric", rows),
        shared={g: text for g in groups if g[0] == "judge" and (text := _find_shared(tests, g))},
    )


def _find_shared(tests: Sequence[JudgedTest], group: Group) -> str:
    """The one rubric that every test has, in Promptfoo's own words around it; "" if they differ."""
    rubrics = [one.spec["value"] for test in tests for one in test.asserted
               if _group_of(one) == group]  # fmt: skip
    is_one = len(rubrics) == len(tests) and len(set(rubrics)) == 1 and not has_fields(rubrics[0])
    return rubrics[0] if is_one and not json.loads(_question_of(tests, group)[1]) else ""


def _question_of(tests: Sequence[JudgedTest], group: Group) -> JudgeQuestion:
    """How the judge of this group is asked, the same wherever it is."""
    return next(
        question
        for test in tests
        for at, question in test.questions.items()
        if _group_of(test.asserted[at]) == group
    )


def _weigh(tests: Sequence[JudgedTest], group: Group) -> float:
    """The group's weight in a test that has it: the mean, where that differs between tests.

    What is put together is one score of the whole test, and weighs 1 if anything in it counts.
    """
    sums = [[one.weight for one in test.asserted if _group_of(one) == group] for test in tests]
    totals = [sum(weights) for weights in sums if weights]
    if group == ("check", TOGETHER):
        return float(any(totals))
    return round(sum(totals) / len(totals), 6)


def _name_groups(groups: Sequence[Group]) -> dict[Group, str]:
    """A name for each that formulas and Python can use, no two alike."""
    names: dict[Group, str] = {}
    for group in groups:
        wanted = identifier(group[1])
        if not wanted.isascii():
            wanted = f"metric_{len(names) + 1}"
        elif keyword.iskeyword(wanted) or wanted in RESERVED_NAMES:
            wanted = f"metric_{wanted}"
        options = (wanted, *(f"{wanted}_{number}" for number in range(2, len(groups) + 2)))
        names[group] = next(name for name in options if name not in names.values())
    return names


def _make_row(test: JudgedTest, layout: RewardLayout) -> dict[str, Any]:
    """The variables, the assertions with the names of their functions, and the rubrics."""
    listed: list[dict[str, Any]] = []
    row = dict(test.row)
    for one in test.asserted:
        group = _group_of(one)
        if one.kind == "judge":
            if group not in layout.shared:
                row[layout.rubric_column(group)] = one.spec["value"]
            continue
        spec = {key: value for key, value in one.spec.items() if value is not None}
        if one.kind == "python":
            spec["function"] = layout.functions[spec.pop("value")]
        weight = one.weight if layout.weights[group] else 1.0  # only logged: all count the same
        listed.append({**spec, "weight": weight, "metric": layout.names[group]})
    return {**row, layout.assertions: listed} if listed else row


def _write_python(title: str, layout: RewardLayout, variables: Sequence[str]) -> str:
    """The module of all Python assertions; empty where there are none."""
    if not layout.functions:
        return ""
    groups = [name for (kind, _), name in layout.names.items() if kind == "python"]
    code = {name: text for text, name in layout.functions.items()}
    return write_source(title, code, groups, layout.assertions, variables)


def _make_entry(
    group: Group, layout: RewardLayout, tests: Sequence[JudgedTest], source: str
) -> RewardEntry:
    name, weight = layout.names[group], layout.weights[group]
    if group[0] == "check":
        options = {"column": layout.assertions, "metric": name}
        return RewardEntry(name, "assertions", weight, options)
    if group[0] == "python":
        return RewardEntry(name, PYTHON_GRADER, weight, {}, source)
    endpoint, own = _question_of(tests, group)
    judge = {**json.loads(endpoint), "minimum": 0.0, "maximum": 1.0, "column": ""}
    if group in layout.shared:
        rubric = f"{layout.shared[group]}\n{INSTRUCTION}"
        return RewardEntry(name, "judge", weight, {**judge, "rubric": rubric})
    messages = json.loads(own) or default_rubric_prompt()
    asked = fill_rubric_prompt(messages, layout.rubric_column(group))
    return RewardEntry(name, "judge", weight, {**judge, "messages": json.dumps(asked)})
