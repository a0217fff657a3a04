"""OpenAI's evals become prompts and rewards that say the same, or are refused by path."""

import copy
import json

import pytest

from rft_core.data import PromptTemplate
from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, RewardSet
from rft_core.rewards.exchange.evals.eval_file import EvalText, read_eval
from rft_core.rewards.exchange.evals.imported_eval import require_whole
from rft_core.rewards.exchange.openai_export import export_graders
from rft_core.rewards.exchange.reward_files import read_reward_file
from rft_core.rewards.scorer import Scorer
from tests.rewards.exchange.evals.eval_cases import case, score, tickets
from tests.rewards.judge.judge_server import serve

EVAL = json.loads(case("tickets_eval.json").text)
RUN = json.loads(case("tickets_run.json").text)
ROWS = case("tickets_rows.jsonl")


def read_changed(*, criteria=None, run=None, rows=ROWS, template=None, **changes):
    spec = {**copy.deepcopy(EVAL), **changes}
    if criteria is not None:
        spec["testing_criteria"] = criteria
    others = [EvalText("run.json", json.dumps(run or RUN)), *([rows] if rows else [])]
    return read_eval(EvalText("eval.json", json.dumps(spec)), others, template)


def run_of(**data_source):
    return {"data_source": {**RUN["data_source"], **data_source}}


def check(**changes):
    return {**EVAL["testing_criteria"][0], **changes}


def test_every_grader_becomes_a_reward_function_and_scores():
    imported = tickets()
    assert imported.unsupported == ()
    assert imported.rewards.names == (
        "Match_output_to_human_label", "Near_the_label", "One_word", "mentions", "Blend",
    )  # fmt: skip
    right, near, wrong = score(imported, "Hardware", "hardware, I think", "Software")
    assert set(right.scores.values()) == {1.0, 0.5} and right.reward == 3.5
    assert near.scores["Match_output_to_human_label"] == 0.0
    assert 0.5 < near.scores["Near_the_label"] < 1 and near.scores["One_word"] == 0.5
    assert near.scores["mentions"] == 1.0 and near.scores["Blend"] == 0.5
    assert wrong.scores["mentions"] == 0.0 and wrong.reward < 2
    assert score(imported, "vim, vim", row=1)[0].scores["One_word"] == 0.0  # this one is not urgent


def test_the_model_is_asked_as_the_run_asked():
    imported = tickets()
    assert imported.template.user == "{{ ticket_text }}"
    prompts = imported.make_prompt_set().prompts()
    assert prompts[0] == [
        {"role": "system", "content": "You categorize IT support tickets as Hardware, Software, or "
         "Other. Answer with one of those words."},
        {"role": "user", "content": "My monitor won't turn on!"},
    ]  # fmt: skip
    assert prompts[3][1]["content"] == 'The "Enter" key sticks: {{ what now }}'


def test_what_means_nothing_here_is_told():
    told = " ".join(tickets().remarks)
    for path in ("testing_criteria[1].pass_threshold", "data_source.model", "temperature"):
        assert path in told


def test_content_in_the_run_and_runs_beside_the_eval_are_rows():
    content = [json.loads(line) | {"sample": {"output_text": "Old"}}
               for line in ROWS.text.splitlines()]  # fmt: skip
    run = run_of(source={"type": "file_content", "content": content})
    whole = {"eval": EVAL, "runs": [{"data_source": {}}, run]}
    imported = read_eval(EvalText("export.json", json.dumps(whole)))
    assert imported.rows == tickets().rows and imported.template == tickets().template
    told = " ".join(imported.remarks)
    assert "sample' was left out" in told and "the last of 2" in told
    beside = read_eval(EvalText("export.json", json.dumps({"eval": EVAL, "run": run})))
    assert beside.rows == imported.rows


def test_items_of_a_finished_run_are_rows():
    lines = [json.dumps({"datasource_item": json.loads(line)["item"], "status": "pass"})
             for line in ROWS.text.splitlines()]  # fmt: skip
    imported = read_changed(rows=EvalText("items.jsonl", "\n".join(lines)))
    assert imported.rows == tickets().rows


@pytest.mark.parametrize(
    ("criterion", "told"),
    [
        (check(type="azure_ai_evaluator"), "testing_criteria[0].type: 'azure_ai_evaluator'"),
        ({"name": "x", "grader": {"type": "remote"}}, "testing_criteria[0].grader.type: 'remote'"),
        (check(operation="regex"), "testing_criteria[0].operation"),
        (check(reference="{{ item.lable }}"), "testing_criteria[0].reference: no row has"),
        (check(input="{{ sample.output_tools }}"), "testing_criteria[0].input"),
        (check(input="{{ item.ticket_text }}"), "testing_criteria[0]: it judges stored answers"),
        ({**EVAL["testing_criteria"][1], "evaluation_metric": "cosine"}, "evaluation_metric"),
        ({"type": "python", "name": "p", "source": "def grade(:"}, "testing_criteria[0].source"),
        ({**EVAL["testing_criteria"][3], "calculate_output": "other"}, "testing_criteria[0]"),
        ("string_check", "testing_criteria[0]: a grader is an object"),
    ],
)
def test_a_grader_that_cannot_come_along_is_named_by_its_path(criterion, told):
    imported = read_changed(criteria=[criterion, check(name="kept")])
    assert any(told in part for part in imported.unsupported), imported.unsupported
    assert imported.rewards.names == ("kept",)
    with pytest.raises(BadInputError) as refused:
        require_whole(imported, "Mend it")
    assert told in str(refused.value)
    with pytest.raises(BadInputError, match="no grader"):
        read_changed(criteria=[criterion])


@pytest.mark.parametrize(
    ("data_source", "told"),
    [
        ({"input_messages": None}, "input_messages: how the model is asked"),
        ({"input_messages": {"type": "template", "template": [
            {"role": "user", "content": "{{ item.other }}"}]}}, "template[0].content: a row"),
        ({"input_messages": {"type": "template", "template": [
            {"role": "user", "content": [{"type": "input_image"}]}]}}, "template[0].content"),
        ({"input_messages": {"type": "template", "template": [
            {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}},
         "template[1].role: 'assistant'"),
    ],
)  # fmt: skip
def test_an_eval_that_does_not_say_how_to_ask_names_what_is_missing(data_source, told):
    with pytest.raises(BadInputError) as refused:
        read_changed(run=run_of(**data_source))
    assert told in str(refused.value)
    template = PromptTemplate("", "Ticket: {{ ticket_text }}")
    imported = read_changed(run=run_of(**data_source), template=template)
    assert imported.make_prompt_set().prompts()[0][0]["content"].startswith("Ticket: My")


def test_an_eval_without_rows_says_where_they_are():
    with pytest.raises(BadInputError, match=r"source\.type: the rows of a 'file_id' source \(f"):
        read_changed(rows=None)
    with pytest.raises(BadInputError, match=r"data_source_config\.type: 'custom': the file holds"):
        read_eval(case("tickets_eval.json"))


def test_tools_are_named_and_the_rest_can_come_along():
    imported = read_changed(run=run_of(sampling_params={"tools": [{"type": "function"}]}))
    [told] = imported.unsupported
    assert "data_source.sampling_params.tools" in told and len(imported.rows) == 5


def test_a_row_that_is_not_what_the_schema_says_is_named():
    lines = [*ROWS.text.splitlines(), '{"item": {"ticket_text": 7, "correct_label": "Other"}}',
             '{"item": {"ticket_text": "x"}}', '{"item": 3}']  # fmt: skip
    imported = read_changed(rows=EvalText("rows.jsonl", "\n".join(lines)))
    assert len(imported.rows) == 5
    wrong, missing, none = imported.unsupported
    assert wrong.startswith("rows.jsonl[5].item.ticket_text: 7 is no string")
    assert missing.startswith("rows.jsonl[6].item.correct_label: it is missing")
    assert none.startswith("rows.jsonl[7].item: it is no object")


def test_values_that_our_templates_write_otherwise_are_asked_as_they_were():
    content = "{{ item.ticket_text }} Urgent: {{ item.urgent }}. {% raw %}"
    messages = {"type": "template", "template": [{"role": "user", "content": content}]}
    imported = read_changed(run=run_of(input_messages=messages))
    assert imported.template.user == "{{ prompt }}"
    asked = imported.make_prompt_set().prompts()[0][0]["content"]
    assert asked == "My monitor won't turn on! Urgent: true. {% raw %}"


def test_messages_of_the_rows_are_asked_as_they_stand():
    told = {"role": "developer", "content": "Be brief."}
    lines = [
        {"item": {"input": [told, {"role": "user", "content": f"Say {word}"}],
                  "correct_label": word, "ticket_text": word}}
        for word in ("one", "two")
    ]  # fmt: skip
    rows = EvalText("rows.jsonl", "\n".join(map(json.dumps, lines)))
    by_item = {"type": "item_reference", "item_reference": "item.input"}
    imported = read_changed(criteria=[check()], rows=rows, run=run_of(input_messages=by_item))
    asked = imported.make_prompt_set().prompts()
    assert asked[1] == [{"role": "system", "content": "Be brief."},
                        {"role": "user", "content": "Say two"}]  # fmt: skip
    with pytest.raises(BadInputError, match="item_reference"):
        read_changed(criteria=[check()], run=run_of(input_messages=by_item))


def test_a_conversation_is_asked_exactly_so():
    roles, texts = ("user", "assistant", "user"), ("{{ item.ticket_text }}", "Other", "Sure?")
    turns = [{"role": role, "content": text} for role, text in zip(roles, texts, strict=True)]
    run = run_of(input_messages={"type": "template", "template": turns})
    asked = read_changed(run=run).make_prompt_set().prompts()[1]
    assert [message["role"] for message in asked] == ["user", "assistant", "user"]
    assert asked[0]["content"] == "I'm in vim and I can't quit!"


def test_a_value_called_prompt_reaches_a_python_grader():
    source = "def grade(sample, item):\n    return float(sample['output_text'] == item['prompt'])"
    grader = {"type": "python", "name": "echo", "source": source}
    rows = "\n".join(json.dumps({"item": {"prompt": word, "ticket_text": word,
                                         "correct_label": "x"}}) for word in "ab")  # fmt: skip
    imported = read_changed(criteria=[grader], rows=EvalText("rows.jsonl", rows))
    assert [sample.reward for sample in score(imported, "a", "b")] == [1.0, 0.0]
    assert [sample.reward for sample in score(imported, "a", "b", row=1)] == [0.0, 1.0]


def test_graders_of_one_name_stay_apart():
    first = EVAL["testing_criteria"][3]
    second = {**first, "calculate_output": "mentions * min(mentions, 2)"}
    imported = read_changed(criteria=[first, second, check(name="mentions"), check(name="Blend")])
    assert imported.rewards.names == (
        "mentions", "Blend", "mentions_2", "Blend_2", "mentions_3", "Blend_3",
    )  # fmt: skip
    assert score(imported, "Hardware")[0].scores["Blend_2"] == 1.0


def test_a_value_that_some_rows_lack_is_told_and_leaves_them_unscored():
    lines = [*ROWS.text.splitlines(), '{"item": {"ticket_text": "x", "correct_label": "Other"}}']
    rows = EvalText("rows.jsonl", "\n".join(lines))
    grader = check(reference="{{ item.urgent }}")
    imported = read_changed(criteria=[grader], rows=rows)
    assert any("1 of 6 rows lack a value (first row 6)" in remark for remark in imported.remarks)
    assert score(imported, "true")[0].reward == 1.0
    assert score(imported, "true", row=5)[0].reward is None


def test_judges_ask_the_endpoint_that_they_are_given():
    label = {"type": "label_model", "name": "tone", "model": "m", "labels": ["kind", "rude"],
             "passing_labels": ["kind"],
             "input": [{"role": "user", "content": {"type": "input_text", "text":
                        "{{ item.ticket_text }} {{ sample.output_text }}"}}]}  # fmt: skip
    imported = read_changed(criteria=[label])
    [entry] = imported.rewards.entries
    assert any("api.openai.com" in remark for remark in imported.remarks)
    with serve(lambda user, seen: '{"label": "rude"}') as server:

        def behave(user: str, seen: int) -> str:
            asked = server.requests[-1]["messages"][0]["content"]
            return json.dumps({"label": "kind" if "please" in asked else "rude"})

        server.behave = behave
        options = {**entry.options, "base_url": server.url, "key_variable": "", "concurrency": 1}
        rewards = RewardSet((type(entry)(entry.name, "judge", 1.0, options),))
        rows = [imported.rows[0]] * 2
        with Scorer(rewards) as scorer:
            scoring = scorer.score(Batch([[]] * 2, ["please wait", "go away"], rows))
    assert [sample.reward for sample in scoring.samples] == [1.0, 0.0]
    assert "My monitor won't turn on!" in server.requests[0]["messages"][0]["content"]


def test_the_rewards_go_out_as_openai_wrote_them():
    rewards = tickets().rewards
    exported = json.loads(export_graders(rewards).text)
    assert exported["graders"]["One_word"]["source"] == EVAL["testing_criteria"][2]["source"]
    assert exported["graders"]["Match_output_to_human_label"]["operation"] == "eq"


def test_where_graders_alone_are_read_an_eval_is_shown_the_way():
    with pytest.raises(BadInputError, match=r"is an eval.*rft_core import tickets_eval\.json"):
        read_reward_file("tickets_eval.json", case("tickets_eval.json").text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "empty"), ("[]", "is no eval"), ('{"a": 1}', "is no eval"), ("{", "not JSON"),
        ('{"testing_criteria": [], "testing_criteria": []}', "there twice"),
        ('{"testing_criteria": []}', "no rows"),
        ('{"testing_criteria": 3, "name": "\\ud800"}', "no rows"),
        ("[" * 9000, "be read as an eval"),
    ],
)  # fmt: skip
def test_what_is_no_eval_is_refused_in_one_sentence(text, told):
    with pytest.raises(BadInputError) as refused:
        read_eval(EvalText("file.json", text))
    assert told in str(refused.value) and "\n" not in str(refused.value)
