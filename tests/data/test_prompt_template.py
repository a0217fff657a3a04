"""Templates: what they render, and how they are stopped."""

import time

import pytest

from rft_core.data import PromptTemplate, length_summary
from rft_core.errors import BadInputError

ROW = {"nums": [15, 74, 9], "target": 50, "my note": "x", "hint": None}


def user(source: str, row=ROW) -> str:
    return PromptTemplate("", source).render(row)[-1]["content"]


def refusal(source: str) -> str:
    with pytest.raises(BadInputError) as caught:
        user(source)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_system_and_user_become_messages():
    template = PromptTemplate("You are {{ 'kind' }}.", "Use {{ nums }} to make {{ target }}.\n")
    assert template.render(ROW) == [
        {"role": "system", "content": "You are kind."},
        {"role": "user", "content": "Use [15, 74, 9] to make 50.\n"},
    ]


def test_a_blank_system_template_gives_no_message():
    assert [message["role"] for message in PromptTemplate(" \n", "x").render(ROW)] == ["user"]


def test_loops_filters_odd_column_names_and_missing_cells_work():
    assert user("{% for n in nums %}{{ n }};{% endfor %}") == "15;74;9;"
    assert user("{{ nums | join(' ') }}|{{ row['my note'] }}|{{ hint }}|") == "15 74 9|x||"
    assert user("{{ row }}", {"row": "mine"}) == "mine"
    assert user("{{ target * 3000 }}") == "150000"


def test_nothing_is_escaped():
    assert user("{{ q }} <think>", {"q": "a < b & 'c'"}) == "a < b & 'c' <think>"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("line\n{{ trget }}", "user template, line 2: 'trget' is undefined"),
        ("{{ trget }}", "the columns are nums, target, my note, hint. Did you mean 'target'?"),
        ("{{ row.trget }}", "Did you mean 'target'?"),
        ("\n\n{{ nums }", "syntax error in line 3"),
        ("{% for n in nums %}", "syntax error in line 1"),
        ("{{ ''.__class__.__mro__ }}", "was stopped in line 1. access to attribute '__class__'"),
        ("{{ nums.append(1) }}", "was stopped in line 1"),
        ("\n{{ 1 / 0 }}", "failed in line 2. division by zero"),
        ("{{ nums + 1 }}", "failed in line 1"),
        ("{% include 'x' %}", "failed in line 1"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "failed in line"),
        ("{{ 'x' * 10**9 }}", "the result of '*' is too long"),
        ("{{ 10 ** (10 ** 10) }}", "an exponent is larger"),
        ("{% for i in range(10**12) %}{% endfor %}", "repeat more than 100,000 times"),
        ("{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}", "repeat"),
        ("{% for i in range(2000) %}{{ 'x' * 900 }}{% endfor %}", "wrote more than 1,000,000"),
        ("{{ lipsum(5) }}", "'lipsum' is undefined"),
    ],
)
def test_a_bad_template_is_stopped_quickly_with_its_line(source, expected):
    started = time.perf_counter()
    assert expected in refusal(source)
    assert time.perf_counter() - started < 2


def test_the_columns_that_a_template_uses_are_known():
    template = PromptTemplate(
        "{{ a }}", "{{ row.b }} {{ row['c d'] }} {% for e in f %}{% endfor %}"
    )
    assert template.variables == {"a", "b", "c d", "f"}


def test_lengths_are_summarised():
    assert length_summary(list(range(1, 101))) == {"min": 1, "median": 50.5, "p95": 95, "max": 100}
    assert length_summary([7]) == {"min": 7, "median": 7, "p95": 7, "max": 7}
    with pytest.raises(BadInputError):
        length_summary([])
