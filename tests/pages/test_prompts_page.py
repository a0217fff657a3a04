"""Prompts, driven without a browser: files, mapping, the exact string, lint, saving."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from transformers import AutoTokenizer

from pages.components.prompts.preview import length_histogram, sample_rows, tokens_html
from rft_core.data import PromptSet
from rft_core.data.sample_data import load_sample
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from rft_core.tasks import get_task

MALFORMED = "<think>2 + 2 = 4<answer>4</answer>"


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder for all tests, so that one generation service renders for all of them."""
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    GenerationClient(folder).stop()


@pytest.fixture(autouse=True)
def _environment(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))


def open_prompts(**query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    for key, value in query.items():
        app.query_params[key] = value
    return checked(app.switch_page("prompts.py").run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def upload(app: AppTest, name: str, content: str | bytes) -> AppTest:
    data = content.encode() if isinstance(content, str) else content
    app.file_uploader(key="prompts_upload").set_value((name, data, "application/octet-stream"))
    return checked(app.run())


def use_sample(app: AppTest) -> AppTest:
    return checked(app.button(key="prompts_first_sample").click().run())


def button(app: AppTest, label: str) -> object:
    return next(button for button in app.button if button.label == label)


def selected(app: AppTest, label: str) -> object:
    return next(box.value for box in app.selectbox if box.label == label)


def page_text(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.error, *app.success, *app.code]
    return "\n".join(str(element.value) for element in elements)


def findings(app: AppTest) -> list[str]:
    return [
        text for frame in app.dataframe if "what" in frame.value for text in frame.value["what"]
    ]


def test_without_prompts_the_sample_is_one_click_away() -> None:
    app = open_prompts()
    assert app.button(key="prompts_first_sample").label == "Use the sample"


def test_the_sample_is_mapped_rendered_and_split() -> None:
    app = use_sample(open_prompts())
    assert selected(app, "Task") == "countdown"
    assert selected(app, "nums ← column") == "nums"
    text = page_text(app)
    assert "<|user|>Using the numbers [7, 48, 7]" in text and "<|assistant|>" in text
    row = load_sample().rows[0]
    tokenizer = AutoTokenizer.from_pretrained(EMBEDDED_MODELS["embedded/countdown"])
    messages = get_task("countdown").prompt(row)
    seen = tokenizer.apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
    assert f"{len(seen)} tokens" in text
    assert "Training gets **48**, validation **12**" in text
    assert "Nothing suspicious" in text


def test_a_published_file_becomes_its_tasks_rows_and_names_those_left_out() -> None:
    rows = [
        {"text": f"Add {n}.", "code": f"def f(x): return x + {n}", "test_list": [line, line]}
        for n in range(1, 6)
        for line in [f"assert f(1) == {n + 1}" if n < 5 else "assert f(Node(1)) == 1"]
    ]
    app = upload(open_prompts(), "mbpp.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    assert selected(app, "Task") == "python_code"
    assert selected(app, "entry_point ← column") == "entry_point"
    warnings = [warning.value.replace("\\", "") for warning in app.warning]
    assert any("1 of 5 rows of MBPP cannot be used: Row 5" in text for text in warnings)
    assert "assert f(1) == 2" in page_text(app)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", "", "is empty"),
        ("ragged.csv", "a,b\n1,2\n3\n", "Row 2 (line 3) has 1 cell"),
        ("broken.jsonl", '{"a": 1}\n{"a": oops}\n', "Row 2 (line 2) is not valid JSON"),
        ("book.csv", b"PK\x03\x04....", "Excel workbook"),
    ],
)
def test_a_bad_file_gets_one_clear_error_and_loses_nothing(
    name: str, content: str | bytes, message: str
) -> None:
    app = use_sample(open_prompts())
    upload(app, name, content)
    assert len(app.error) == 1
    assert message in app.error[0].value.replace("\\", "")
    assert "60 rows and 2 columns" in page_text(app)


def test_a_custom_file_begins_with_its_text_column_and_keeps_its_names() -> None:
    rows = [{"my text": f"Say {i}", "answer": str(i)} for i in range(5)]
    app = upload(open_prompts(), "mine.jsonl", "\n".join(map(json.dumps, rows)))
    assert selected(app, "Task") == "custom"
    assert [area.value for area in app.text_area] == ["", "{{ row['my text'] }}"]
    assert "<|user|>Say 0<|assistant|>" in page_text(app)


def test_a_mistake_in_the_template_is_named_and_mended() -> None:
    app = use_sample(open_prompts())
    user = app.text_area[1]
    right = user.value
    checked(user.set_value("Make {{ targett }}").run())
    assert "Did you mean 'target'" in app.error[0].value.replace("\\", "")
    checked(app.text_area[1].set_value(right).run())
    assert not app.error


def test_malformed_reasoning_leaks_and_duplicates_are_found() -> None:
    rows = [
        {"question": "2 + 2?", "answer": MALFORMED},
        {"question": "What is 3 + 4? The answer is 7", "answer": "7"},
        {"question": "What is 3 + 4? The answer is 7", "answer": "7"},
    ]
    app = upload(open_prompts(), "qa.jsonl", "\n".join(map(json.dumps, rows)))
    found = "\n".join(findings(app))
    assert "<answer> is inside <think>" in found
    assert "already contains the answer '7'" in found
    assert "the same prompt as row 2" in found


def test_saving_stores_once_and_offers_the_rewards_page(runs_dir: Path) -> None:
    app = use_sample(open_prompts())
    button(app, "Save prompt set").click().run()  # type: ignore[attr-defined]
    checked(app)
    assert button(app, "Save prompt set").disabled  # type: ignore[attr-defined]
    again = use_sample(open_prompts())
    assert button(again, "Next: rewards")
    with open_index(runs_dir) as index:
        (stored,) = [
            row for row in list_sets(index, "prompts") if row["name"] == "Countdown sample"
        ]
        prompts = PromptSet.from_json(get_set(index, "prompts", stored["id"]).content)
    assert (len(prompts.train_rows), len(prompts.validation_rows)) == (48, 12)


def test_a_stored_set_can_be_looked_at_and_be_the_beginning_of_another(runs_dir: Path) -> None:
    app = use_sample(open_prompts())
    app.slider[0].set_value(30).run()
    button(app, "Save prompt set").click().run()  # type: ignore[attr-defined]
    with open_index(runs_dir) as index:
        id = list_sets(index, "prompts")[0]["id"]
    app = open_prompts(set=id)
    assert "42 for training, 18 for validation" in page_text(app)
    assert list(app.dataframe[0].value["split"]).count("validation") == 18
    button(app, "Start a new set from it").click().run()  # type: ignore[attr-defined]
    checked(app)
    assert app.slider[0].value == 30
    assert button(app, "Next: rewards")  # nothing has changed yet, so it is that very set


def test_an_unknown_set_in_the_address_is_said_to_be_missing() -> None:
    app = open_prompts(set="nonsense")
    assert "no prompt set nonsense" in app.warning[0].value


def test_tokens_are_shown_as_text() -> None:
    html = tokens_html(["<img src=x>", "\n", "a&b"])
    assert "<img" not in html and "&lt;img" in html and "↵\n" in html and "a&amp;b" in html


def test_the_length_histogram_counts_every_prompt_in_few_bars() -> None:
    frame = length_histogram([3, 3, 4, 1000])
    assert frame["prompts"].sum() == 4 and len(frame) <= 25
    assert length_histogram([5, 5])["tokens"].tolist() == [5]


def test_long_tables_are_sampled_evenly() -> None:
    assert sample_rows(3) == (0, 1, 2)
    picked = sample_rows(100_000)
    assert len(picked) == len(set(picked)) == 128 and picked[-1] > 99_000


def test_the_rows_of_every_task_that_has_some_are_a_sample() -> None:
    app = open_prompts()
    app.get_by_key("prompts_source").set_value("Sample data")
    checked(app.run())
    app.selectbox(key="prompts_sample_task").set_value("triton_kernels-easy")
    checked(app.run())
    checked(app.button(key="prompts_use_sample").click().run())
    assert selected(app, "Task") == "triton_kernels-easy"
    assert selected(app, "Model") == "embedded/triton"
    assert "Rewrite f with a Triton kernel." in page_text(app)


def test_a_choice_among_named_choices_is_not_called_given_away() -> None:
    row = {"Problem": "what is 1 + 1 ?", "options": "a ) 2 , b ) 3 , c ) 4", "correct": "a"}
    rows = [row | {"Problem": f"what is {n} + 1 ?"} for n in range(12)]
    app = upload(open_prompts(), "mathqa.jsonl", "\n".join(json.dumps(row) for row in rows))
    assert selected(app, "Task") == "mathqa"
    assert not any("already contains the answer" in found for found in findings(app))


def chat_rows(count: int = 10) -> str:
    """As verl writes them: a chat that asks, and its answer inside of an object."""
    rows = [
        {
            "prompt": [
                {"role": "system", "content": "Think first."},
                {"role": "user", "content": f"How many are 2 boxes of {number}?"},
            ],
            "reward_model": {"style": "rule", "ground_truth": str(2 * number)},
        }
        for number in range(20, 20 + count)
    ]
    return "\n".join(map(json.dumps, rows))


def test_chats_stay_turns_in_what_the_model_sees_and_nested_values_can_be_chosen() -> None:
    app = upload(open_prompts(), "verl.jsonl", chat_rows())
    assert "'prompt' holds chats: their turns stay turns" in page_text(app).replace("\\", "")
    assert "<|system|>Think first." in page_text(app)  # a custom task: the chats as they are
    assert "boxes of 20?<|assistant|>" in page_text(app)
    task = next(box for box in app.selectbox if box.label == "Task")
    checked(task.set_value("gsm8k").run())
    assert selected(app, "question ← column") == "messages"
    assert selected(app, "answer ← column") == "reward_model.ground_truth"
    assert "<|system|>Think first." in page_text(app)
    assert "<|user|>How many are 2 boxes of 20?\nShow your work" in page_text(app)
    assert "Nothing suspicious" in page_text(app)  # 42 is an answer, and the template's example
    user = app.text_area[1]
    assert user.value.startswith("{{ messages }}\nShow your work")
    checked(user.set_value("{{ messages }}").run())
    assert "boxes of 20?<|assistant|>" in page_text(app)


def test_chats_that_cannot_be_asked_are_refused_or_counted() -> None:
    tool = json.dumps({"prompt": [{"role": "tool", "content": "x"}], "answer": "1"})
    app = upload(use_sample(open_prompts()), "tools.jsonl", f"{tool}\n{tool}")
    assert len(app.error) == 1 and "the role 'tool'" in app.error[0].value.replace("\\", "")
    assert "60 rows and 2 columns" in page_text(app)
    app = upload(app, "some.jsonl", f"{chat_rows(3)}\n{tool}")
    [warning] = [warning.value.replace("\\", "") for warning in app.warning]
    assert "1 of 4 rows of chats cannot be used: Row 4: turn 1" in warning


def test_columns_in_json_are_rows_and_alpacas_input_is_asked() -> None:
    columns = {"instruction": ["Add."] * 6, "input": [f"{n}+3?" for n in range(6)]}
    app = upload(open_prompts(), "alpaca.json", json.dumps(columns))
    assert "6 rows and 3 columns" in page_text(app)
    assert "<|user|>Add.\n0+3?<|assistant|>" in page_text(app)


def test_rows_that_nothing_can_score_are_counted_with_examples() -> None:
    good = [{"question": f"What is {n} + 1?", "answer": f"#### {n + 1}"} for n in range(4)]
    bad = [{"question": "What is 2 + 5?", "answer": "A: 7"}]
    app = upload(open_prompts(), "sums.jsonl", "\n".join(map(json.dumps, good + bad)))
    app = checked(next(b for b in app.selectbox if b.label == "Task").select("gsm8k").run())
    [found] = [box.value.replace("\\", "") for box in app.warning]
    assert found.startswith("1 of 5 rows cannot be scored by 'correctness'")
    assert "row 5: 'A: 7'" in found and "Nothing suspicious" not in page_text(app)
    app = upload(open_prompts(), "good.jsonl", "\n".join(map(json.dumps, good)))
    app = checked(next(b for b in app.selectbox if b.label == "Task").select("gsm8k").run())
    assert not app.warning and "Nothing suspicious" in page_text(app)
