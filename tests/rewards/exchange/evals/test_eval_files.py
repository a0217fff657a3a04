"""Files of evals as people have them: YAML, JSON, JSON lines, tables, and what is none of these."""

import json

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.exchange.evals.eval_file import EvalText, is_eval, read_eval
from tests.rewards.exchange.evals.eval_cases import case, rewards_of

ASSERT = {"type": "contains", "value": "a"}


def test_tests_in_a_table_of_their_own_are_read_in_short_form():
    table = EvalText(
        "tests.csv",
        "q,gold,__expected1,__expected2,__description\n"
        "France?,Paris,icontains: {{gold}},levenshtein(2): Paris,one\n"
        "Peru?,Lima,icontains: {{gold}},levenshtein(2): Lima,two\n",
    )
    config = EvalText("c.yaml", "prompts: ['{{q}}']\ntests: file://tests.csv\n")
    imported = read_eval(config, [table])
    assert imported.unsupported == () and imported.rewards.names == ("icontains", "levenshtein")
    assert rewards_of(imported, "Paris", "paris", "in paris") == [2.0, 2.0, 1.0]
    as_text = EvalText("t.csv", "q,__expected\nx,Note: yes\ny,no\n")
    assert rewards_of(read_eval(config, [as_text]), "Note: yes", "yes") == [1.0, 0.0]


def test_json_lines_of_tests_and_a_result_file_are_read_too():
    lines = "\n".join(json.dumps({"vars": {"q": w}, "assert": [ASSERT]}) for w in "xyz")
    config = EvalText("c.yaml", "prompts: ['{{q}}']\ntests: tests.jsonl\n")
    assert len(read_eval(config, [EvalText("tests.jsonl", lines)]).rows) == 3
    inner = {"prompts": ["{{q}}"], "tests": [{"vars": {"q": "x"}, "assert": [ASSERT]}]}
    whole = {"evalId": "e", "results": {"version": 3}, "config": inner}
    assert len(read_eval(EvalText("out.json", json.dumps(whole))).rows) == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tests:\n  - vars: {a: 1}\n    vars: {b: 2}", "the key 'vars' is there twice in line 3"),
        ("tests: [", "in line 1"),
        ("tests: &a [*a]", "cannot be read"),
        ("a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
         "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
         "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n"
         "tests: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]", "too many values"),
        ("tests: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("just text", "is no eval"),
    ],
)  # fmt: skip
def test_yaml_that_is_no_configuration_is_refused_in_one_sentence(text, told):
    with pytest.raises(BadInputError) as refused:
        read_eval(EvalText("c.yaml", text))
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_a_merge_and_an_alias_are_read():
    text = ("base: &base {type: contains, value: a}\nprompts: ['{{q}}']\n"
            "tests:\n  - vars: {q: x}\n    assert: [*base, {<<: *base, value: b}]\n")  # fmt: skip
    assert rewards_of(read_eval(EvalText("c.yaml", text)), "ab", "a") == [2.0, 1.0]


def test_what_is_an_eval_is_known_by_its_keys():
    assert is_eval(case("capitals.yaml").text, "c.yaml")
    assert is_eval(case("tickets_eval.json").text, "t.json")
    assert not is_eval('{"type": "string_check"}', "g.json")
    assert not is_eval("def f(completions): ...", "f.py")
