"""In the trainer's own process no completion and no row may raise an error, or stop the clock."""

import datetime

import pytest

from rft_core.rewards.registry import GRADERS
from tests.work import cpu_seconds

IN_PROCESS = [info for info in GRADERS.values() if info.function]
PIECES = [
    "\ud800", "\0", "[" * 3000, "[" * 300 + "1" + "]" * 300, '{"a": ' * 300 + "1" + "}" * 300,
    "9" * 5000, "1e400", "NaN", "a: !!bool x", "a: !!int ''", "a: !!timestamp x", "a: &b [*b]",
    "? [a]\n: 1", "=: 1", "<<: 1", "[a]\nb", "a = 1979-99-99", "\u0316\u0301" * 5000, "ﷺ" * 50,
    "½²٣", "SELECT ? FROM t", "/*" * 3000, "\\frac{1}{0}", "1/0", "1e" + "9" * 50, "\\boxed{" * 20,
    "{{ x }}", "-" * 3000, "(" * 3000, "'", '"', "<<", "```",
]  # fmt: skip
DEEP: list[object] = []
for _ in range(900):
    DEEP = [DEEP]
VALUES = [
    None, True, -1, 10**400, float("nan"), float("inf"), "", "a", "\ud800", "\0", "[" * 3000, "3",
    [], [None], [1, "a"], {}, {"a": None}, {1: 2}, {("a",): 1}, {1, 2}, b"x", (1, 2), DEEP,
    "9" * 5000, datetime.datetime(2020, 1, 1), [{"kind": ["x"]}],
    [{"kind": "word_count", "minimum": "a"}],
    [{"kind": "forbidden_words", "words": ["\ud800", "("]}], "CREATE TABLE t(a)", "[Infinity, 3]",
]  # fmt: skip
COLUMNS = ("answer", "schema", "constraints", "required_keys", "nums", "target", "options")
FIELDS = {
    "input": "{{ sample.output_json.a }}",
    "reference": "{{ item.answer }}",
    "extraction": "answer_tag",
}


@pytest.mark.parametrize("info", IN_PROCESS, ids=[info.name for info in IN_PROCESS])
def test_hostile_texts_and_odd_rows_are_scored_or_left_unscored(info):
    wrapped = [f"<answer>{piece}</answer>" for piece in PIECES]
    fenced = [f"```\n{piece}\n```" for piece in PIECES]
    usual = {"answer": "3", "nums": [1, 2], "target": 3, "schema": "CREATE TABLE t(a)",
             "constraints": [{"kind": "word_count", "minimum": 1}]}  # fmt: skip
    options = {option.name: FIELDS.get(option.name, option.default) for option in info.options}
    for text in (*PIECES, *wrapped, *fenced):
        check(info.function(text, usual, **options))
    for value in VALUES:
        row = dict.fromkeys(COLUMNS, value)
        for text in ("<answer>3</answer>", '{"a": 1}', "```\na: 1\n```"):
            check(info.function(text, row, **options))


def check(grade) -> None:
    assert grade.score is None or 0 <= grade.score <= 1
    assert grade.reason


UNITS = [".", "\n", " ", "*", "a.", "1", "[", "(", "{", "<answer>", "\\boxed{", "####", "\\frac{1",
         "\\text{a", "a,", "- a\n", "1. a\n", "a) ", "B ", "**", "'", '"', "$", "1,", "<think>",
         "```", "\u0316\u0301", "/*", "1/", "+", "1e", '{"a":', "\\(", "a-"]  # fmt: skip


@pytest.mark.parametrize("info", IN_PROCESS, ids=[info.name for info in IN_PROCESS])
def test_the_time_of_a_grader_grows_no_faster_than_the_text(info):
    """As a square it would be 64 times as long; configuration beyond 20,000 is not read at all."""
    options = {option.name: FIELDS.get(option.name, option.default) for option in info.options}
    row = {"answer": "B", "nums": [1, 2], "target": 3, "schema": "CREATE TABLE t(a)",
           "options": ["A. 1", "B. 2"], "constraints": [{"kind": "no_commas"}]}  # fmt: skip

    def seconds_of(unit: str, length: int) -> float:
        text = f"<answer>{unit * (length // len(unit))}\x01a</answer>"
        return cpu_seconds(lambda: info.function(text, row, **options), tries=2)

    for unit in UNITS:
        limit = max(3 * 8 * seconds_of(unit, 4_000), 0.1)
        assert seconds_of(unit, 32_000) < limit, unit
