"""Generations, driven without a browser: filters, the reading view, what surrounds it."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.completions.export import csv_lines, jsonl_lines
from pages.components.completions.listing import PAGE_ROWS
from rft_core.paths import PROJECT_ROOT
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter
from tests.sample_run import GROUP_SIZE, GROUPS, REWARDS, begin_run, queue_run, write_finished_run

STEPS = 30


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs_dir = tmp_path_factory.mktemp("runs")
    write_finished_run(runs_dir, steps=STEPS)
    return runs_dir


def open_generations(runs_dir: Path, monkeypatch: pytest.MonkeyPatch, **query: str) -> AppTest:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("generations.py").run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in app.html)


def test_a_run_without_generations_points_to_monitor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_run(tmp_path, "countdown-1")
    app = open_generations(tmp_path, monkeypatch)
    assert "no generations yet" in app.info[0].value
    begin_run(tmp_path, "countdown-2").end(outcome=None)
    app = open_generations(tmp_path, monkeypatch, run="countdown-2")
    assert "no generations yet" in app.info[0].value
    assert [link.value for link in app.page_link] == ["Watch it on Monitor"]


def test_a_reward_model_alone_promises_no_completions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue_run(tmp_path, "judge", stages="reward_model 5")
    app = open_generations(tmp_path, monkeypatch, run="judge")
    assert "will have none" in app.info[0].value


def test_the_address_sets_the_filters(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_generations(finished, monkeypatch, split="train", step="7")
    table = app.dataframe[0].value
    assert len(table) == GROUPS * GROUP_SIZE
    assert set(table["step"]) == {7}
    assert app.number_input(key="step").value == 7


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"flag": "markup"}, 30 + 3),  # one per training step, and of three validations
        ({"length": "truncated"}, 30),
        ({"unscored": "true"}, 30),
        ({"text": "try 7.1"}, 4),
        ({"function": "brevity", "from": "0.5"}, 30 * 7 + 3 * 6),
        ({"prompt": "1", "split": "train"}, 30 * 4),
    ],
)
def test_each_filter_lets_through_what_it_says(
    finished: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, str], expected: int
) -> None:
    app = open_generations(finished, monkeypatch, **query)
    assert any(caption.value.startswith(f"{expected} of") for caption in app.caption)


def test_filters_that_match_nothing_can_be_cleared_with_one_click(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(finished, monkeypatch, text="nowhere")
    assert "matches these filters" in app.info[0].value
    next(b for b in app.button if b.label == "Clear all filters").click().run()
    assert not app.exception and not app.info
    assert len(app.dataframe[0].value) == 50


def test_another_run_begins_without_the_filters_of_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_finished_run(tmp_path, "countdown-1", steps=3)
    write_finished_run(tmp_path, "countdown-2", steps=5)
    app = open_generations(
        tmp_path, monkeypatch, run="countdown-1", split="train", flag="markup", g="9"
    )
    app.selectbox(key="run_picker").set_value("countdown-2").run()
    assert not app.exception
    assert "g" not in app.query_params and "flag" not in app.query_params
    assert app.query_params["run"] == "countdown-2"
    assert any("**Step 5**" in m.value for m in app.markdown)


def test_next_and_previous_walk_across_the_ends_of_a_page(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_run(finished, "countdown-1") as db:
        train = list(iterate_generations(db, GenerationFilter(split="train")))
    newest_first = sorted((generation.id for generation in train), reverse=True)
    near_the_end = PAGE_ROWS - 3
    app = open_generations(finished, monkeypatch, split="train", g=str(newest_first[near_the_end]))
    for expected in newest_first[near_the_end + 1 : PAGE_ROWS + 3]:
        app.button(key="next").click().run()
        assert int(app.query_params["g"]) == expected
    for expected in reversed(newest_first[near_the_end : PAGE_ROWS + 2]):
        app.button(key="previous").click().run()
        assert int(app.query_params["g"]) == expected


def test_a_generation_in_the_address_is_opened_wherever_it_stands(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(finished, monkeypatch, split="train", g="20")
    assert any("**Step 3** · train" in m.value for m in app.markdown)
    app = open_generations(finished, monkeypatch, g="no-number")
    assert any(f"**Step {STEPS}**" in m.value for m in app.markdown)


def test_what_a_model_wrote_is_text_and_nothing_else(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for view in ("The group", "Same prompt across steps", "Word diff", "Exact prompt"):
        app = open_generations(finished, monkeypatch, flag="markup", split="train", view=view)
        shown = html(app)
        assert "&lt;script&gt;window.hacked=1&lt;/script&gt;" in shown
        assert "<script" not in shown and "<img" not in shown and "<b>now" not in shown
        assert not any("hacked" in m.value for m in [*app.markdown, *app.caption])


def test_the_group_stands_side_by_side_with_its_advantages(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(finished, monkeypatch, split="train", step="5")
    group = next(e.value for e in app.html if "gen-grid" in e.value)
    assert group.count('class="gen"') + group.count('class="gen chosen"') == GROUP_SIZE
    assert group.count("gen-adv") == GROUP_SIZE and "chosen" in group


def test_the_reading_view_gives_every_score_its_reason(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(finished, monkeypatch, split="train", step="5")
    assert "the* target" in html(app) or "hits the target" in html(app)
    assert "no reason given" in html(app)


def test_the_same_prompt_is_shown_at_its_first_and_last_step(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(
        finished, monkeypatch, split="validation", view="Same prompt across steps"
    )
    assert "Step 10" in html(app) and "Step 30" in html(app)


def test_the_exact_prompt_is_shown_with_its_template(
    finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_generations(finished, monkeypatch, view="Exact prompt")
    assert any(code.value.startswith("<|user|>Reach 6") for code in app.code)


def test_no_cell_of_the_csv_is_a_formula_and_json_lines_are_exact(finished: Path) -> None:
    with open_run(finished, "countdown-1") as db:
        (some, *_) = iterate_generations(db, GenerationFilter())
    texts = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "1 + 2 = 3"]
    rows = [replace(some, completion=text, advantage=-0.5) for text in texts]
    table = list(csv.DictReader(io.StringIO("".join(csv_lines(rows, [])))))
    assert [row["completion"] for row in table] == [*(f"'{text}" for text in texts[:5]), texts[5]]
    assert table[0]["advantage"] == "-0.5"
    assert [json.loads(line)["completion"] for line in jsonl_lines(rows)] == texts


def test_downloads_hold_every_generation_that_the_filters_let_through(finished: Path) -> None:
    where = GenerationFilter(split="train", step=3)
    with open_run(finished, "countdown-1") as db:
        rows = list(iterate_generations(db, where))
    table = list(csv.DictReader(io.StringIO("".join(csv_lines(rows, list(REWARDS.names))))))
    assert [row["completion"] for row in table] == [g.completion for g in rows]
    assert table[0]["score/format"] == "1.0" and table[-1]["score/brevity"] == ""
    lines = [json.loads(line) for line in jsonl_lines(rows)]
    assert len(lines) == GROUPS * GROUP_SIZE and lines[0]["scores"]["format"] == 1.0
