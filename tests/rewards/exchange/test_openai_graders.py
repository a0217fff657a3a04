"""OpenAI's grader JSON means the same here, comes back out as it was, or is refused by name."""

import json

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.exchange.openai_export import NONE_IS_ZERO, export_graders
from rft_core.rewards.exchange.openai_graders import import_grader
from rft_core.rewards.exchange.reward_files import read_reward_file
from rft_core.rewards.scorer import Scorer
from rft_core.rewards.text.openai_text import (
    METRICS,
    grade_string_check,
    grade_text_similarity,
)
from tests.rewards.judge.judge_server import serve
from tests.rewards.scoring_cases import make_batch, python_set

CHECK = {"type": "string_check", "name": "exact", "input": "{{ sample.output_text }}",
         "reference": "{{item.answer}}", "operation": "eq"}  # fmt: skip
ALIKE = {"type": "text_similarity", "name": "alike", "input": "{{sample.output_text}}",
         "reference": "{{ item.answer }}", "evaluation_metric": "fuzzy_match"}  # fmt: skip
PYTHON = {"type": "python", "name": "length", "source": "def grade(sample: dict, item: dict) -> "
          "float:\n    return min(1.0, len(sample['output_text']) / item['length'])"}  # fmt: skip
SCORE = {"type": "score_model", "name": "polite", "model": "m", "range": [0, 5],
         "input": [{"role": "user", "content": "Rate: {{ sample.output_text }}"}]}  # fmt: skip
LABEL = {"type": "label_model", "name": "tone", "model": "m", "labels": ["kind", "rude"],
         "passing_labels": ["kind"],
         "input": [{"role": "developer", "content": "Tone?"},
                   {"role": "user", "content": {"type": "input_text", "text": "{{item.answer}}"}}],
         }  # fmt: skip
MULTI = {"type": "multi", "name": "both", "graders": {"exact": CHECK, "alike": ALIKE},
         "calculate_output": "0.75 * exact + 0.25 * alike ^ 2"}  # fmt: skip


def rewards_of(spec, *texts: str, row=None, **options) -> list[float | None]:
    rewards = import_grader(json.dumps(spec), **options).rewards
    with Scorer(rewards) as scorer:
        samples = scorer.score(make_batch(*texts, rows=[row or {"answer": "Paris"}] * len(texts)))
    return [sample.reward for sample in samples.samples]


def test_text_graders_grade():
    assert rewards_of(CHECK, "Paris", "paris", "Paris, London") == [1.0, 0.0, 0.0]
    right, near, empty = rewards_of(ALIKE, "Paris", "Pariss", "")
    assert right == 1.0 and 0.8 < near < 1 and empty == 0.0


@pytest.mark.parametrize(
    ("operation", "text", "score"),
    [("eq", "Paris", 1), ("eq", "Paris ", 0), ("ne", "Rome", 1), ("ne", "Paris", 0),
     ("like", "In Paris.", 1), ("like", "in paris", 0),
     ("ilike", "in paris", 1), ("ilike", "x", 0)],
)  # fmt: skip
def test_string_operations(operation, text, score):
    graded = grade_string_check(
        text, {"a": {"b": ["Paris"]}}, reference="{{ item.a.b[0] }}", operation=operation
    )
    assert graded.score == score


def test_what_a_row_lacks_is_unscored_and_what_a_completion_lacks_is_wrong():
    values = {"input": "{{ sample.output_json.city }}", "reference": "{{ item.answer }}"}
    row = {"answer": "Paris"}
    assert grade_string_check('{"city": "Paris"}', row, **values).score == 1.0
    for text in ("Paris", "{}", "[]", "[" * 9000, '{"city": ["Paris"]}'):
        assert grade_string_check(text, row, **values).score == 0.0
    assert grade_string_check('{"city": "Paris"}', {}, **values).score is None
    assert grade_string_check("x", {"answer": ""}, reference="{{item.answer}}",
                              operation="like").score is None  # fmt: skip


def test_a_completion_cannot_smuggle_in_a_field():
    graded = grade_string_check("{{ item.answer }}", {"answer": "x"}, reference="{{ item.answer }}")
    assert graded.score == 0.0


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("text", ["cat", "The cat", "→", "+ -", "one two three four five six"])
def test_an_exact_copy_is_wholly_alike_by_every_metric(metric, text):
    asked = {"reference": "{{ item.answer }}", "metric": metric}
    assert grade_text_similarity(text, {"answer": text}, **asked).score == pytest.approx(1.0)
    assert grade_text_similarity("dog", {"answer": text}, **asked).score < 0.5
    assert grade_text_similarity("*", {"answer": text}, **asked).score < 0.5


@pytest.mark.parametrize("metric", ["fuzzy_match", "bleu", "gleu", "rouge_1", "rouge_3", "rouge_l"])
def test_similarity_metrics(metric):
    row = {"answer": "the cat sat on the mat today"}
    options = {"reference": "{{ item.answer }}", "metric": metric}
    assert grade_text_similarity(row["answer"], row, **options).score == pytest.approx(1.0)
    assert grade_text_similarity("dogs", row, **options).score < 0.3
    assert grade_text_similarity("x" * 90_000, row, **options).score == 0.0
    assert grade_text_similarity("x", {"answer": " "}, **options).score is None


def test_python_graders_run_in_the_child():
    assert rewards_of(PYTHON, "1234", "12345678", row={"length": 8}) == [0.5, 1.0]
    assert rewards_of(PYTHON, "1234", row={"other": 8}) == [None]


def test_a_multi_grader_computes_its_output():
    right, near = rewards_of(MULTI, "Paris", "Pari")
    assert right == 1.0 and near == pytest.approx(0.25 * (8 / 9) ** 2)
    rewards = import_grader(json.dumps(MULTI)).rewards
    assert rewards.weights == (0.0, 0.0, 1.0) and rewards.names == ("exact", "alike", "both")


@pytest.mark.parametrize("field", ["reference", "input", "name"])
def test_half_a_character_is_refused_in_one_sentence(field):
    spec = {**CHECK, field: "half \ud800 of {{ item.answer }}"}
    with pytest.raises(BadInputError, match="half a character") as refused:
        read_reward_file("grader.json", json.dumps(spec))
    str(refused.value).encode("utf-8")
    whole = {**CHECK, field: "all \ud83d\ude00 of {{ item.answer }}"}
    assert read_reward_file("grader.json", json.dumps(whole)).rewards


def test_model_graders_ask_the_endpoint_with_their_own_messages():
    def behave(user, seen):
        return '{"score": 4}' if user.startswith("Reply") else "?"

    with serve(behave) as server:
        assert rewards_of(SCORE, "Hello", base_url=server.url, key_variable="") == [4.0]
        sent = server.requests[0]["messages"]
        assert sent[0] == {"role": "user", "content": "Rate: Hello"}
    with serve(lambda *_: '{"label": "kind"}') as server:
        assert rewards_of(LABEL, "x", base_url=server.url) == [1.0]
        assert [m["content"] for m in server.requests[0]["messages"]][:2] == ["Tone?", "Paris"]
    with serve(lambda *_: '{"label": "rude"}') as server:
        assert rewards_of(LABEL, "x", base_url=server.url) == [0.0]
    with serve(lambda *_: '{"label": "other"}') as server:
        assert rewards_of(LABEL, "x", base_url=server.url) == [None]
        assert rewards_of(LABEL, "x", base_url=server.url, row={"no": 1}) == [None]


@pytest.mark.parametrize("spec", [CHECK, ALIKE, PYTHON, SCORE, MULTI])
def test_what_came_in_goes_out_as_it_was(spec):
    exported = json.loads(export_graders(import_grader(json.dumps(spec)).rewards).text)
    if spec is MULTI:
        assert exported["calculate_output"] == MULTI["calculate_output"]
        assert exported["graders"] == MULTI["graders"] and exported["name"] == "both"
    else:
        assert exported == spec
    assert import_grader(json.dumps(exported)) == import_grader(json.dumps(spec))


def test_labels_come_back_too():
    exported = json.loads(export_graders(import_grader(json.dumps(LABEL)).rewards).text)
    assert exported["labels"] == LABEL["labels"] and exported["type"] == "label_model"
    assert import_grader(json.dumps(exported)) == import_grader(json.dumps(LABEL))


def test_a_trl_function_becomes_a_python_grader_and_scores_the_same():
    body = "return [float(a in c) for c, a in zip(completions, answer)]"
    source = f"def f(completions, answer):\n    {body}"
    exported = json.loads(export_graders(python_set(source)).text)
    assert exported["type"] == "python"
    assert rewards_of(exported, "in Paris", "Rome") == [1.0, 0.0]


def test_weights_become_the_formula():
    rewards = RewardSet((
        RewardEntry("same", "exact_match", 2.0, {"extraction": "whole"}),
        RewardEntry("part", "string_check", 0.5, {"reference": "{{ item.answer }}"}),
        RewardEntry("logged", "string_check", 0.0, {"reference": "x"}),
    ))  # fmt: skip
    exported = json.loads(export_graders(rewards).text)
    assert exported["calculate_output"] == "2 * same + 0.5 * part"
    assert rewards_of(exported, "Paris", "Rome") == [2.5, 0.0]


@pytest.mark.parametrize("weight", [1 / 3, 0.1, 1e-7, 123456.789, -2 / 3, 1e8 / 7])
def test_weights_and_bounds_come_back_to_the_last_digit(weight):
    low, high = sorted((weight, 0.0))
    rewards = RewardSet((
        RewardEntry("same", "string_check", weight, {"reference": "{{ item.answer }}"}),
        RewardEntry("part", "string_check", 1.0, {"reference": "x"}, clip_low=low, clip_high=high),
        RewardEntry("other", "string_check", weight, {"reference": "Rome", "operation": "ne"}),
    ), "weighed")  # fmt: skip
    exported = export_graders(rewards).text
    imported = import_grader(exported).rewards
    assert export_graders(imported).text == exported
    assert import_grader(export_graders(imported).text).rewards == imported
    texts = make_batch("Paris", "Rome", "x", rows=[{"answer": "Paris"}] * 3)
    with Scorer(rewards) as here, Scorer(imported) as there:
        ours = [sample.reward for sample in here.score(texts).samples]
        assert [sample.reward for sample in there.score(texts).samples] == ours


@pytest.mark.parametrize(
    ("entry", "why"),
    [(RewardEntry("j", "judge", options={"model": "m", "rubric": "r"}), "asks a judge"),
     (RewardEntry("a b", "string_check", options={"reference": "x"}), "rename it"),
     (RewardEntry("f", "format", when_flagged=0.0), "found a trick"),
     (RewardEntry("r", "format", in_group="rank"), "compared with the other"),
     (RewardEntry("t", "length", options={"unit": "tokens", "target": 3}), "counts tokens")],
)  # fmt: skip
def test_what_means_something_else_there_is_not_exported(entry, why):
    with pytest.raises(BadInputError, match=f"'{entry.name}': .*{why}"):
        export_graders(RewardSet((entry,)))


def test_everything_that_cannot_be_exported_is_named_at_once():
    entries = [RewardEntry(name, "format", when_flagged=0.0) for name in ("one", "two")]
    with pytest.raises(BadInputError, match=r"'one': .*'two': "):
        export_graders(RewardSet((*entries, RewardEntry("fine", "format"))))


def test_what_a_grader_of_openai_cannot_say_is_remarked():
    exported = export_graders(python_set("def f(completions):\n    return [None]"))
    assert exported.remarks == (NONE_IS_ZERO,)
    assert export_graders(import_grader(json.dumps(CHECK)).rewards).remarks == ()


@pytest.mark.parametrize(
    ("spec", "where"),
    [([], "the file"), (5, "the file"), ({}, "type: None"), ({"type": "endpoint"}, "type: 'endp"),
     ({"type": "string_check"}, "input: is missing; reference: is missing; operation: is missing"),
     ({**CHECK, "operation": "regex"}, "operation: "),
     ({**CHECK, "input": "{{ secrets.key }}"}, "input: "),
     ({**CHECK, "input": "{{ sample.output_tools }}"}, "input: "),
     ({**ALIKE, "evaluation_metric": "cosine"}, "evaluation_metric: 'cosine'"),
     ({**PYTHON, "source": "def grade(:"}, "source: line 1"),
     ({**PYTHON, "source": "def score(sample, item): pass"}, "source: it defines no fun"),
     ({**MULTI, "graders": {}}, "graders: "), ({**MULTI, "graders": [CHECK]}, "graders: "),
     ({**MULTI, "graders": {"a": MULTI}}, "graders.a.type: 'multi' is not one of"),
     ({**MULTI, "graders": {"exact": {**CHECK, "operation": 1}, "alike": 3}},
      "graders.exact.operation: .*; graders.alike: "),
     ({**MULTI, "calculate_output": "exact + nobody"}, "calculate_output names 'nobody'"),
     ({**MULTI, "calculate_output": "__import__('os')"}, "calculate_output|formula"),
     ({**LABEL, "passing_labels": ["good"]}, "'good' passes"), ({**SCORE, "model": ""}, "model: "),
     ({**SCORE, "input": [{"role": "user", "content": [{"type": "input_image"}]}]},
      r"input\[0\].content: "),
     ({"method": {"reinforcement": {"grader": {**CHECK, "input": 5}}}},
      "method.reinforcement.grader.input: ")],
)  # fmt: skip
def test_what_is_no_grader_is_refused_with_the_path_of_each_mistake(spec, where):
    with pytest.raises(BadInputError, match=where):
        import_grader(json.dumps(spec))


def test_a_range_that_is_none_is_bad_input():
    with pytest.raises(BadInputError):
        import_grader(json.dumps({**SCORE, "range": [1, 0]}))


def test_a_grader_is_found_in_a_jobs_body():
    method = {"type": "reinforcement", "reinforcement": {"grader": MULTI}}
    for body in ({"grader": MULTI, "item": {}}, {"method": method}, method):
        assert import_grader(json.dumps(body)) == import_grader(json.dumps(MULTI))


def test_what_means_nothing_here_is_remarked_with_its_path():
    spec = {**SCORE, "sampling_params": {"temperature": 1}, "pass_threshold": 0.5}
    both = {**MULTI, "graders": {"exact": CHECK, "alike": spec}}
    remarks = import_grader(json.dumps(both)).remarks
    assert remarks[0].startswith("'graders.alike.sampling_params' was left out: judges are asked")
    assert "'graders.alike.pass_threshold' was left out" in remarks[1]
    assert "'alike' will ask https://api.openai.com/v1 with the key in OPENAI_API_KEY" in remarks[2]


def test_text_that_is_no_json_is_bad_input():
    with pytest.raises(BadInputError, match="line 2, column 1"):
        import_grader("{\n")
