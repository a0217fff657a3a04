"""Templates: what they render, and how they are stopped."""

import json
import subprocess
import sys

import pytest

from rft_core.data import PromptTemplate, length_summary
from rft_core.data.template import WHOLE_CHAT, ask_chats
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
def test_a_bad_template_is_stopped_with_its_line(source, expected):
    assert expected in refusal(source)


DOUBLING = "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
BOMBS = [
    "{{ 'x'.center(300000000) }}",
    "{{ 'x'.ljust(300000000) }}",
    "{{ '1'.zfill(300000000) }}",
    "{{ '\t'.expandtabs(300000000) }}",
    "{{ '{:>300000000}'.format(1) }}",
    "{{ '{x:>300000000}'.format_map({'x': 1}) }}",
    "{{ '%300000000d' % 1 }}",
    "{{ (1).to_bytes(300000000, 'big') }}",
    "{{ 'x' | center(300000000) }}",
    "{{ 'x\ny' | indent(300000000) }}",
    "{{ '%300000000d' | format(1) }}",
    "{{ [1] | batch(300000000, 0) | list }}",
    "{{ 1.5 | round(300000000, 'ceil') }}",
    "{{ big.replace('', big) }}",
    "{{ big | replace('x', big) }}",
    "{{ big.join(range(99999)) }}",
    "{{ range(99999) | join(big) }}",
    "{{ [[0] * 999999] * 999999 }}",
    "{% set a = [0] * 999 %}{% set b = [a] * 999 %}{{ [b] * 999 | string }}",
    "{% set a = [0] * 999 %}{{ [[a] * 999] * 999 == [[a] * 998] * 999 }}",
    "{% set a = big ~ big ~ big %}{% set b = a ~ a ~ a %}{% set c = b ~ b ~ b %}{{ c ~ c }}",
    "{% set a = big + big %}{% set b = a + a %}{% set c = b + b %}{% set d = c + c %}{{ d + d }}",
    "{% set a = (10 ** 64) ** 64 %}{% set b = a ** 64 %}{{ b ** 64 }}",
    "{% set a = 10 ** 64 %}" + "{% set a = a * a %}" * 30 + "{{ a }}",
    DOUBLING + "{{ m(40) }}",
    "{% for a in many %}{% for b in many %}{% for c in many %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in many recursive %}{{ loop(many) }}{% endfor %}",
    "{% for a in range(99999) %}{% if 'yx' in big %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% if big.count('z') %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% if big[::2] %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% if big is eq(big ~ '') %}{% endif %}{% endfor %}",
    "{% for a in range(99999) %}{% set x = big | upper %}{% endfor %}",
    "{% set x %}{% for a in range(99999) %}" + "static " * 2000 + "{% endfor %}{% endset %}",
    "{% macro m() %}" + "static " * 9000 + "{% endmacro %}{% set x %}"
    "{% for a in range(99999) %}{{ m() }}{% endfor %}{% endset %}",
]


RENDER_ALL = """
import json, resource, sys
from pathlib import Path
from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (mapped + 120 * 2**20,) * 2)
row = {"big": "x" * 300_000, "many": list(range(2000))}
for source in json.load(sys.stdin):
    try:
        PromptTemplate("", source).render(row)
        print("RENDERED", source)
    except BadInputError as error:
        print(error)
"""


def test_a_bomb_is_stopped_before_it_takes_memory_or_work():
    """With room for 120 MiB: who wants more than that ends in a MemoryError, which is not ours."""
    command, asked = [sys.executable, "-c", RENDER_ALL], json.dumps(BOMBS)
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    said = done.stdout.splitlines()
    assert len(said) == len(BOMBS)
    for source, message in zip(BOMBS, said, strict=True):
        assert "MemoryError" not in message and "RENDERED" not in message, source
        assert len(message) < 500


def test_the_allowance_of_work_does_not_depend_on_the_machine():
    """A loop over the row's own list is paid for by step, and long templates cost more."""
    many = {"many": list(range(50_000))}
    assert user("{% for n in many %}{% endfor %}!", many) == "!"
    with pytest.raises(BadInputError, match="more work than any prompt needs"):
        user("{% for n in many %}{% for m in many %}{% endfor %}{% endfor %}", many)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{{ q.strip().upper() }}", "A B"),
        ("{{ q.replace('a', 'c') | trim }}", "c b"),
        ("{{ ', '.join(q.split()) }}", "a, b"),
        ("{{ nums | map('string') | join('+') }}", "1+2+3"),
        ("{{ nums | sum }} {{ nums | sort(reverse=true) | first }}", "6 3"),
        ("{{ nums | select('odd') | list }} {{ nums | length }}", "[1, 3] 3"),
        ("{{ 'a' ~ nums[0] ~ none ~ 1.5 }}", "a11.5"),
        ("{{ 'yes' if 2 in nums and nums is iterable else 'no' }}", "yes"),
        ("{{ q[::-1] | trim }} {{ nums[-1] }}", "b a 3"),
        ("{{ 2.567 | round(1) }} {{ '12' | int + 1 }}", "2.6 13"),
        ("{% for n in nums %}{{ loop.index }}{{ ',' if not loop.last }}{% endfor %}", "1,2,3"),
        ("{% for k, v in d.items() %}{{ k }}={{ v }}{% endfor %}{{ d.get('z', 0) }}", "k=v0"),
        ("{{ 'x\ny' | indent(2) }}", "x\n  y"),
        ("{{ missing | default('none') }}{{ missing is defined }}", "noneFalse"),
        ("{{ d | tojson }}", '{"k": "v"}'),
        ("{% macro f(n) %}<{{ n }}>{% endmacro %}{{ f(1) }}", "<1>"),
        ("{% filter upper %}abc{% endfilter %}", "ABC"),
    ],
)
def test_what_prompts_are_made_with_still_works(source, expected):
    assert user(source, {"q": " a b ", "nums": [1, 2, 3], "d": {"k": "v"}}) == expected


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


SYSTEM = {"role": "system", "content": "Think first."}
CHAT = [SYSTEM, {"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
        {"role": "user", "content": "2 + 2? {{ x }}\n"}]  # fmt: skip
ANSWERED = [*CHAT, {"role": "assistant", "content": "4"}]


@pytest.mark.parametrize("chat", [CHAT, ANSWERED])
def test_a_chat_stays_turns_and_ends_with_what_is_asked(chat):
    row = {"messages": chat}
    assert PromptTemplate("", WHOLE_CHAT).render(row) == CHAT
    *earlier, last = PromptTemplate("", "Now: {{messages}}Answer {{ n }}.").render({**row, "n": 1})
    assert earlier == CHAT[:-1]
    assert last == {"role": "user", "content": "Now: 2 + 2? {{ x }}\nAnswer 1."}


def test_a_system_template_and_the_chats_own_make_one_message():
    first, *others = PromptTemplate("Be brief.", WHOLE_CHAT).render({"messages": CHAT})
    assert first == {"role": "system", "content": "Be brief.\n\nThink first."}
    assert others == CHAT[1:]
    both = PromptTemplate("Be brief.", WHOLE_CHAT).render({"messages": CHAT[1:]})
    assert [message["role"] for message in both] == ["system", "user", "assistant", "user"]


def test_messages_that_are_no_chat_are_values_like_others():
    assert user("{{ messages }}", {"messages": "a text"}) == "a text"
    assert user("{{ messages | length }}", {"messages": CHAT}) == "4"
    assert "'messages' is undefined" in refusal("{{ messages }}")


def test_a_template_can_ask_chats_in_the_place_of_a_field():
    asked = ask_chats(PromptTemplate("s", "{{ q }} or {{q}}?"), "q")
    assert asked == PromptTemplate("s", "{{ messages }} or {{q}}?") and asked.asks_chats
    assert not ask_chats(PromptTemplate("", "{{ question }}"), "q").asks_chats


def test_what_a_template_writes_itself_is_known():
    template = PromptTemplate("Be brief.", "{{ q }}{% if n %} for example 42{% endif %}")
    assert template.literals == ("Be brief.", " for example 42")
