"""Evaluate, driven without a browser: what was measured is there again after a reload."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.config import make_config
from rft_core.evaluation import run_evaluation
from rft_core.jobs.pinning import pin_sets
from rft_core.paths import PROJECT_ROOT, get_adapter_dir, get_run_db_path
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import LoadProgress
from rft_core.store.index import open_index
from rft_core.store.runs import add_run
from rft_core.tasks import get_task
from rft_core.types import Completion


def open_evaluate() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app = app.switch_page("evaluate.py").run()
    assert not app.exception, app.exception
    return app


def put_adapter(runs_dir: Path, run_id: str) -> None:
    folder = get_adapter_dir(runs_dir, run_id)
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text("{}")
    (folder / "adapter_model.safetensors").write_bytes(b"w")


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A run with an adapter that says what is right where its base says what is wrong.

    The model is stood in for; rows, judge, storage and page are the real ones.
    """
    calls: list[int] = []

    def sample(client, model, prompts, n, params, *, adapter=None, on_progress=None):
        calls.append(n)
        on_progress(LoadProgress("Loaded", 1.0))
        on_progress(LoadProgress("Sampling", 0.5))
        texts = [write_answer(prompt[-1]["content"]) if adapter else "no" for prompt in prompts]
        return [[Completion(text, (1, 2, 3), False)] * n for text in texts]

    monkeypatch.setattr(GenerationClient, "sample", sample)
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    with open_index(tmp_path) as index:
        add_run(index, id="a", config=pin_sets(index, make_config({"num_prompts": 8})))
    put_adapter(tmp_path, "a")
    return calls


def write_answer(asked: str) -> str:
    """Countdown's gold completion, from the words of its prompt."""
    numbers, target = re.search(r"numbers \[(.*?)\].* equals (\d+)", asked).groups()  # type: ignore[union-attr]
    row = {"nums": [int(number) for number in numbers.split(",")], "target": int(target)}
    return get_task("countdown").write_gold(row) or ""


def press_evaluate(app: AppTest) -> AppTest:
    app = next(button for button in app.button if button.label == "Evaluate").click().run()
    assert not app.exception and not app.error
    return app


def test_a_measured_result_is_there_after_a_reload(asked: list[int]) -> None:
    app = open_evaluate()
    assert not app.dataframe and not asked
    app = press_evaluate(app)
    assert len(asked) == 2
    measured = app.dataframe[0].value
    assert list(measured["model"]) == ["base", "countdown · a"]
    assert measured["pass@1"].str.startswith(("0.0%", "100.0%")).all()
    (verdict,) = app.success
    assert "+100.0 points" in verdict.value and "200 turned right" in verdict.value

    reloaded = open_evaluate()
    assert reloaded.dataframe[0].value.equals(measured) and len(asked) == 2


def test_changed_examples_are_counted_shown_and_turned_round(asked: list[int]) -> None:
    app = press_evaluate(open_evaluate())
    which = app.segmented_control(key="changes-1-direction")
    assert which.options == ["200 turned right", "0 turned wrong"]
    cards = [html.proto.body for html in app.get("html") if 'class="gen"' in html.proto.body]
    assert len(cards) == 10, "five examples, each with both completions"
    assert "wrong" in cards[0] and ">no<" in cards[0] and "right" in cards[1]
    app.selectbox(key="changes-1-from").select("a")
    app = app.selectbox(key="changes-1-to").select("base").run()
    which = app.segmented_control(key="changes-1-direction")
    assert which.options == ["0 turned right", "200 turned wrong"]


def test_a_second_task_and_earlier_evaluations_are_shown(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_evaluation, "check_prompts_fit", lambda plan: None)  # starts a process
    app = open_evaluate()
    second = next(box for box in app.selectbox if box.label == "Regression task")
    assert "Countdown" not in second.options and "none" in second.options
    second.select("countdown-easy")
    next(box for box in app.selectbox if box.label == "Best of k by").select("shortest")
    next(box for box in app.number_input if box.label == "Prompts").set_value(20)
    app = press_evaluate(app)
    assert len(asked) == 4
    titles = [title.value for title in app.subheader]
    assert any("What was forgotten" in title for title in titles)
    assert "best of 4" in app.dataframe[0].value.columns
    said = " ".join(text.value for text in app.markdown)
    assert "The base solves nothing of countdown" in said

    next(box for box in app.selectbox if box.label == "Regression task").select("")
    app = press_evaluate(app)
    shown = app.selectbox(key="evaluation_opened")
    assert len(shown.options) == 2 and shown.value == "2" and len(asked) == 4
    app = shown.select("1").run()
    assert app.query_params["evaluation"] == "1"
    assert any("What was forgotten" in title.value for title in app.subheader)


def put_garbage(place: Path) -> None:
    place.write_bytes(b"not a database " * 500)


@pytest.mark.parametrize("damage", [put_garbage, Path.mkdir])
@pytest.mark.parametrize("has_adapter", [True, False])
def test_a_run_whose_database_cannot_be_read_does_not_end_the_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    damage: Callable[[Path], None],
    has_adapter: bool,
) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    for run_id in ("whole", "damaged"):
        with open_index(tmp_path) as index:
            add_run(index, id=run_id, config=pin_sets(index, make_config({"num_prompts": 8})))
        put_adapter(tmp_path, run_id)
    if not has_adapter:
        shutil.rmtree(get_adapter_dir(tmp_path, "damaged"))
    damage(get_run_db_path(tmp_path, "damaged"))

    app = open_evaluate()
    assert not app.error and "Evaluate" in [button.label for button in app.button]
    offered = app.multiselect(key="evaluate_runs").options
    assert len(offered) == 1 + has_adapter and any("whole" in option for option in offered)
    app = app.switch_page("train.py").run()
    assert not app.exception and not app.error
