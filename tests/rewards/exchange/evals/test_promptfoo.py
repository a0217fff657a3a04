"""Promptfoo's configurations become prompts and rewards that say the same, or name their paths."""

import json

import pytest

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.exchange.evals.imported_eval import require_whole
from rft_core.rewards.scorer import Scorer
from tests.rewards.exchange.evals.eval_cases import (
    capitals,
    read_assertion,
    read_config,
    rewards_of,
    score,
)
from tests.rewards.judge.judge_server import serve

ASSERT = {"type": "contains", "value": "a"}


def test_every_assertion_becomes_a_reward_function_and_scores():
    imported = capitals()
    assert imported.unsupported == () and imported.name == "Capital cities"
    weights = dict(zip(imported.rewards.names, imported.rewards.weights, strict=True))
    assert weights == {"form": 1.0, "icontains": 2.0, "brief": 1.0}
    right, wordy, wrong = score(imported, "Paris", "It is\nparis", "Rome")
    assert right.reward == 4.0
    assert wordy.scores == {"form": 0.0, "icontains": 1.0, "brief": pytest.approx(1 / 3)}
    assert wordy.reasons["brief"] == "3 words for Paris"
    assert wrong.scores == {"form": 1.0, "icontains": 0.0, "brief": 1.0}
    assert score(imported, "")[0].scores["brief"] == 0.0


def test_the_model_is_asked_as_the_prompt_says():
    imported = capitals()
    prompts = imported.make_prompt_set().prompts()
    assert imported.template == PromptTemplate("Answer with the city alone.", "{{ question }}")
    assert prompts[4][1] == {"role": "user", "content": 'Where is the "White House"?'}
    assert imported.rows[1]["note"] == "no"  # YAML 1.2, as Promptfoo reads it
    assert imported.rows[2]["tone"] == "plain"
    assert any("'providers' was left out" in remark for remark in imported.remarks)


@pytest.mark.parametrize(
    ("spec", "right", "wrong"),
    [
        ({"type": "equals", "value": "{{gold}}"}, "Paris", "paris"),
        ({"type": "not-equals", "value": "{{ gold }}"}, "Rome", "Paris"),
        ({"type": "equals", "value": {"a": [1, True]}}, '{"a": [1.0, true]}', '{"a": [1, 1]}'),
        ({"type": "equals", "value": 4}, "4", "4.0"),
        ({"type": "contains", "value": "{{gold | lower}}"}, "in paris", "in Paris"),
        ({"type": "icontains", "value": "{{gold}}"}, "in PARIS", "in Pari"),
        ({"type": "not-icontains", "value": "{{gold}}"}, "Rome", "PARIS"),
        ({"type": "contains-any", "value": ["x", "{{gold}}"]}, "Paris", "y"),
        ({"type": "contains-all", "value": "a, 'b', c"}, "c 'b' a", "c a"),
        ({"type": "icontains-any", "value": ["X", 7]}, "x", "y"),
        ({"type": "icontains-all", "value": ["X", "Y"]}, "yx", "y"),
        ({"type": "starts-with", "value": "{{gold}}"}, "Paris!", " Paris"),
        ({"type": "regex", "value": r"^(?<first>\w)\w*$"}, "Paris", "Paris\n"),
        ({"type": "is-json"}, '{"a": 1}', 'Here: {"a": 1}'),
        ({"type": "is-json", "value": {"required": ["a"], "type": "object"}}, '{"a": 1}', "{}"),
        ({"type": "is-json", "value": "type: array"}, "[1]", "{}"),
        ({"type": "not-is-json"}, "Paris", "[]"),
        ({"type": "contains-json", "value": {"required": ["a"]}}, 'x {"b": 1} {"a": 2}', "{a}"),
        ({"type": "levenshtein", "value": "{{gold}}", "threshold": 1}, "Pari", "Par"),
        ({"type": "levenshtein", "value": "{{gold}}", "threshold": 0}, "Paris", "Pari"),
        ({"type": "word-count", "value": {"min": 2, "max": 3}}, "a b", "a b c d"),
        ({"type": "rouge-n", "value": "the city of Paris"}, "Paris, the city of it", "Rome"),
        ({"type": "python", "value": "output == context['vars']['gold']"}, "Paris", "Rome"),
        ({"type": "python", "value": "'true' if 'P' in output else 'False'"}, "Paris", "Rome"),
        ({"type": "python", "value": "len(output) / 0 if output == 'Rome' else 1"}, "x", "Rome"),
        ({"type": "python", "value": "return json.dumps({'pass': output == '{{gold}}',\n"
          " 'score': float(output == '{{gold}}'), 'reason': 'so'})\n"}, "Paris", "Rome"),
        ({"type": "python", "value": "output == context['prompt']"}, "x", "y"),
        ({"type": "assert-set", "threshold": 0.5, "assert": [ASSERT]}, "a", "b"),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_an_assertion_pays_what_it_asserts_and_nothing_else(spec, right, wrong):
    imported = read_assertion(**spec)
    assert imported.unsupported == ()
    assert rewards_of(imported, right, wrong) == [1.0, 0.0]


def test_scores_between_are_kept():
    assert rewards_of(read_assertion(type="rouge-n", value="the city of Paris"), "Paris") == [0.25]
    assert rewards_of(read_assertion(type="not-rouge-n", value="the city"), "the") == [0.5]
    half = read_assertion(type="python", value="0.5", threshold=0.9)
    assert rewards_of(half, "x") == [0.5]
    assert any("'threshold' of python was left out" in remark for remark in half.remarks)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"type": "javascript", "value": "output.length > 3"}, "type: 'javascript': it runs Java"),
        ({"type": "not-javascript", "value": "true"}, "type: 'not-javascript'"),
        ({"type": "similar", "value": "x", "threshold": 0.8}, "type: 'similar': it asks an embed"),
        ({"type": "similar:cosine", "value": "x"}, "type: 'similar:cosine'"),
        ({"type": "webhook", "value": "https://example.com"}, "type: 'webhook'"),
        ({"type": "factuality", "value": "x"}, "Write it as an llm-rubric"),
        ({"type": "latency", "threshold": 5}, "type: 'latency': it measures the provider"),
        ({"type": "bleu", "value": "x"}, "type: 'bleu': Use rouge-n"),
        ({"type": "promptfoo:redteam:harmful"}, "type: 'promptfoo:redteam:harmful' is not known"),
        ({"type": "not-python", "value": "True"}, "type: 'not-python' is not known"),
        ({"type": "contains"}, "value: 'contains' needs a text"),
        ({"type": "contains-any", "value": []}, "value: 'contains-any' needs a list"),
        ({"type": "contains", "value": "file://gold.txt"}, "value: files beside"),
        ({"type": "contains", "value": "{{ golden }}"}, "value: the test has no variable 'golden'"),
        ({"type": "contains", "value": "{{ gold | sort }}"}, "value: there is no filter 'sort'"),
        ({"type": "contains", "value": "{{ gold.slice(1) }}"}, "value: '{{ gold.slice(1) }}' is"),
        ({"type": "contains", "value": "{% if gold %}x{% endif %}"}, "value: '{%' begins a block"),
        ({"type": "contains", "value": "x", "transform": "output.trim()"}, "transform: it is a"),
        ({"type": "contains", "value": "x", "weight": -1}, "weight: it is no number"),
        ({"type": "contains", "value": "x", "treshold": 1}, "treshold: it is not known"),
        ({"type": "regex", "value": r"(?i)paris"}, "value: 'regex' has a regular expression that"),
        ({"type": "regex", "value": "a" * 3000}, "value: 'regex' needs"),
        ({"type": "is-json", "value": {"type": "strin"}}, "value: 'is-json' has a schema"),
        ({"type": "is-json", "value": "a: [1"}, "value: its schema cannot be read"),
        ({"type": "python", "value": "return (\n"}, "value: line 1 is no Python"),
        ({"type": "python", "value": "x = 1\ny = 2"}, "value: its body returns nothing"),
        ({"type": "python", "value": "file://check.py"}, "value: files beside"),
        ({"type": "llm-rubric", "value": " "}, "value: it needs a rubric"),
        ({"type": "llm-rubric", "value": "x", "provider": "anthropic:messages:m"},
         "provider: 'anthropic:messages:m' is not asked in OpenAI's protocol"),
        ({"value": "x"}, "assert[1]: it is no assertion with a type"),
    ],
    ids=str,
)  # fmt: skip
def test_an_assertion_that_cannot_come_along_is_named_by_its_path(spec, told):
    test = {"vars": {"q": "x", "gold": "Paris"}, "assert": [ASSERT, spec]}
    imported = read_config(tests=[test])
    [named] = imported.unsupported
    assert named.startswith("tests[0].assert[1]") and told in named
    assert imported.rewards.names == ("contains",)
    with pytest.raises(BadInputError, match=r"tests\[0\]\.assert\[1\]"):
        require_whole(imported, "Mend it")
    with pytest.raises(BadInputError, match="no assertion"):
        read_config(tests=[{**test, "assert": [spec]}])


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"prompts": ["{{q}}", "Say {{q}}"]}, "prompts[1]: a run asks in one way"),
        ({"scenarios": []}, "scenarios: Write its tests out"),
        ({"extensions": ["file://hook.js"]}, "extensions: it is a program"),
        ({"nunjucksFilters": {"f": "f.js"}}, "nunjucksFilters"),
        ({"defaultTest": "file://default.yaml"}, "defaultTest: files beside"),
        ({"defaultTest": {"assertScoringFunction": "file://s.js"}}, "defaultTest.assertScoring"),
        ({"defaultTest": {"options": {"transform": "output.trim()"}}}, "defaultTest.options.trans"),
        ({"defaultTest": {"assert": [{"type": "cost"}]}}, "defaultTest.assert[0].type: 'cost'"),
    ],
    ids=str,
)
def test_a_part_that_cannot_come_along_is_named_once(config, told):
    two = [{"vars": {"q": word}, "assert": [ASSERT]} for word in "xy"]
    imported = read_config(**{"tests": two, **config})
    assert [told in part for part in imported.unsupported] == [True]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"prompts": ["file://prompt.txt"]}, "prompts[0]: 'file://prompt.txt' is no text"),
        ({"prompts": [{"id": "prompt.json"}]}, "prompts[0].raw: 'prompt.json' is no text"),
        ({"prompts": ["{{ r }}"]}, "prompts[0]: the test has no variable 'r' (tests[0])"),
        ({"prompts": ["{{ q"], "tests": "file://tests.csv"}, "tests: 'file://tests.csv' is a file"),
        ({"tests": [{"vars": {"q": "file://q.txt"}, "assert": [ASSERT]}]}, "tests[0].vars.q"),
        ({"tests": [{"vars": {"q": "{{ r }}"}, "assert": [ASSERT]}]}, "tests[0].vars.q: a var"),
        ({"tests": [{"vars": {"q": "x"}}]}, "tests[0]: nothing is asserted"),
        ({"prompts": ['[{"role": "user", "content": [{"type": "image_url"}]}]']},
         "prompts[0][0].content"),
        ({"prompts": ['[{"role": "tool", "content": "x"}]']}, "prompts[0][0].role: 'tool'"),
    ],
    ids=str,
)  # fmt: skip
def test_where_nothing_would_be_left_the_part_is_named(config, told):
    with pytest.raises(BadInputError) as refused:
        read_config(**config)
    assert told in str(refused.value) and "\n" not in str(refused.value)


def test_tests_that_assert_different_things_are_one_score_each():
    tests = [
        {"vars": {"q": "x"}, "assert": [{"type": "contains", "value": "a", "weight": 3},
                                        {"type": "regex", "value": "^b"}]},
        {"vars": {"q": "y"}, "assert": [{"type": "is-json"}]},
    ]  # fmt: skip
    imported = read_config(tests=tests)
    assert imported.rewards.names == ("assertions",)
    assert rewards_of(imported, "ba", "a", "b", "") == [1.0, 0.75, 0.25, 0.0]
    assert rewards_of(imported, "{}", "a", row=1) == [1.0, 0.0]
    assert not any("do not all assert the same" in remark for remark in imported.remarks)


def test_a_metric_is_a_reward_function_of_its_own_also_where_tests_differ():
    named = {"type": "regex", "value": "!", "metric": "Is it loud?", "weight": 0}
    code = {"type": "python", "value": "'b' in output"}
    tests = [{"vars": {"q": "x"}, "assert": [ASSERT, named]},
             {"vars": {"q": "y"}, "assert": [code]}]  # fmt: skip
    imported = read_config(tests=tests)
    weights = dict(zip(imported.rewards.names, imported.rewards.weights, strict=True))
    assert weights == {"assertions": 1.0, "Is_it_loud": 0.0, "python": 1.0}
    loud = score(imported, "a!")[0]
    assert loud.scores == {"assertions": 1.0, "Is_it_loud": 1.0, "python": None}
    assert loud.reward == 1.0 and rewards_of(imported, "b", "a", row=1) == [1.0, 0.0]
    assert any("do not all assert the same" in remark for remark in imported.remarks)


def test_sets_share_their_weight_and_lists_of_a_variable_are_tests():
    members = [{**ASSERT, "weight": 3}, {"type": "contains", "value": "{{q}}"}]
    pair = {"type": "assert-set", "weight": 4, "metric": "pair", "assert": members}
    config = {"vars": {"q": ["x", "y"], "z": [1, 2, 3]}, "assert": [pair]}
    imported = read_config(tests=[config])
    assert len(imported.rows) == 6 and imported.rows[5]["q"] == "y"
    [entry] = imported.rewards.entries
    assert (entry.name, entry.weight) == ("pair", 4.0)
    assert rewards_of(imported, "ax", "a", "x") == [4.0, 3.0, 1.0]


def test_names_that_rewards_keep_for_themselves_are_free_in_tests():
    variables = {"prompt": "p", "completions": "c", "assertions": "s", "rubric": "r"}
    named = "own = context['vars']\nreturn output == own['prompt'] + own['completions'] + "
    code = {"type": "python", "value": f"{named}own['assertions'] + str(len(own))"}
    rubric = {"type": "llm-rubric", "value": "{{rubric}}", "provider": "openai:chat:m"}
    test = {"vars": variables, "assert": [code, {"type": "contains", "value": "{{completions}}"},
                                          rubric, rubric]}  # fmt: skip
    imported = read_config(prompts=["{{prompt}}"], tests=[test])
    assert imported.rows[0]["assertions"] == "s" and imported.rows[0]["rubric"] == "r"
    assert rewards_of(imported, "pcs4", "pcs5") == [2.0, 1.0]


def test_a_rubric_is_judged_with_the_test_in_its_place():
    by_test = {"type": "llm-rubric", "value": "Names {{gold}}",
               "provider": {"id": "openai:chat:m", "config": {"apiKey": "sk-secret"}}}  # fmt: skip
    for_all = {"type": "llm-rubric", "value": "Is polite", "metric": "polite"}
    tests = [{"vars": {"q": word, "gold": word}, "assert": [by_test, for_all]} for word in "ab"]
    imported = read_config(tests=tests, defaultTest={"options": {"provider": "ollama:chat:llama3"}})
    names, polite = imported.rewards.entries
    assert (
        polite.options["rubric"].startswith("Is polite\n") and polite.options["model"] == "llama3"
    )
    assert "11434" in polite.options["base_url"] and polite.options["key_variable"] == ""
    assert "sk-secret" not in imported.rewards.to_json()
    assert any("a key is never stored" in remark for remark in imported.remarks)
    with serve(lambda user, seen: '{"score": 0.25, "reason": "r"}') as server:
        options = {**names.options, "base_url": server.url, "key_variable": ""}
        rewards = RewardSet((type(names)("names", "judge", 2.0, options),))
        with Scorer(rewards) as scorer:
            [sample] = scorer.score(Batch([[]], ["said {{ x }}"], [imported.rows[1]])).samples
    assert sample.reward == 0.5
    asked = server.requests[0]["messages"]
    assert "<rubric>\nNames b\n</rubric>" in asked[1]["content"]
    assert "said {{ x }}" in asked[1]["content"]


def test_an_own_rubric_prompt_is_asked_in_its_words():
    prompt = [{"role": "user", "content": "{{ output }} / {{ rubric }} / {{ item.q }}"}]
    spec = {"type": "llm-rubric", "value": "good", "rubricPrompt": prompt,
            "provider": "openai:m"}  # fmt: skip
    test = {"vars": {"q": "x", "item": {"q": "y"}}, "assert": [spec]}
    [entry] = read_config(tests=[test]).rewards.entries
    [message] = json.loads(entry.options["messages"])
    assert message["content"] == (
        "{{ sample.output_text }} / {{ item.rubric_llm_rubric }} / {{ item.item.q }}"
    )


def test_a_conversation_is_asked_exactly_so():
    chat = '[{"role":"user","content":"Hi"},{"role":"assistant","content":"Yes?"},' \
           '{"role":"user","content":{{ q | dump }}}]'  # fmt: skip
    imported = read_config(prompts=[chat])
    asked = imported.template.render(imported.rows[0])
    assert [message["content"] for message in asked] == ["Hi", "Yes?", "x"]


@pytest.mark.parametrize(
    "prompt",
    ["- role: system\n  content: Be brief.\n- role: user\n  content: 'Say {{q}}'",
     '[{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Say {{q}}"}]'],
)  # fmt: skip
def test_a_prompt_may_be_messages_in_yaml_or_json(prompt):
    assert read_config(prompts=[prompt]).template == PromptTemplate("Be brief.", "Say {{ q }}")


def test_a_text_in_brackets_is_a_text():
    assert read_config(prompts=["[Short] {{q}}"]).template.user == "[Short] {{ q }}"


def test_a_title_of_any_signs_does_no_harm():
    code = {"type": "python", "value": "True"}
    title = 'A """title""" \\ with\nlines\x00'
    imported = read_config(description=title, tests=[{"vars": {"q": "x"}, "assert": [code]}])
    assert rewards_of(imported, "x") == [1.0]
    assert imported.name.startswith('A """title"""') and imported.name.isprintable()
