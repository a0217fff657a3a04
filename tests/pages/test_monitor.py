"""Monitor, driven without a browser: what it says about runs in every state."""

import time
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.curves import measured_panels
from pages.components.runs.look import look_at
from rft_core.figures import Curves
from rft_core.paths import PROJECT_ROOT, get_runs_dir
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.run_writer import PartsDone, StepRecord
from rft_core.store.runs import get_run
from tests.sample_run import begin_run, queue_run, write_finished_run


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def open_monitor(run: str | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for key, value in ({"run": run} if run else {}).items() | query.items():
        app.query_params[key] = value
    app.switch_page("monitor.py").run()
    assert not app.exception
    return app


def page_text(app: AppTest) -> str:
    """All that the page says, Markdown and HTML alike."""
    elements = [*app.markdown, *app.caption, *app.error, *app.warning, *app.info, *app.html]
    return "\n".join(str(element.value) for element in elements)


def shown_curves(run: str) -> Curves:
    with open_index(get_runs_dir()) as index:
        return look_at(get_run(index, run)).curves


def expander_labels(app: AppTest) -> list[str]:
    return [expander.label for expander in app.expander]


def button_labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def test_without_runs_it_names_the_one_next_step(runs_dir: Path) -> None:
    app = open_monitor()
    assert "no runs yet" in app.info[0].value
    assert [link.value for link in app.page_link] == ["Go to Overview"]


def test_a_finished_run_shows_its_state_and_its_newest_generations(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = open_monitor("countdown-1")
    text = page_text(app)
    assert "finished" in text and "**Step 30** of 30" in text
    assert "**Latest** · train step 30" in text
    assert "Best" in text and "Worst" in text
    assert "Fork" in button_labels(app) and "Stop" not in button_labels(app)


def test_where_the_time_goes_is_shown_once_there_is_a_step(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    assert "Where the time goes" not in page_text(open_monitor("countdown-1"))
    run.train(25)
    run.end()
    text = page_text(open_monitor("countdown-1"))
    assert "Where the time goes" in text and "Last 20 steps" in text and "Whole run" in text
    assert "sampling <b>35%</b>" in text and "update <b>50%</b>" in text


def test_a_long_step_says_what_the_worker_does_and_a_short_one_does_not(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.hold()
    run.writer.set_progress("training", "sampling 64 completions", step=0, max_steps=30)
    assert "Sampling 64 completions" in page_text(open_monitor("countdown-1"))
    run.train(2)  # of 2 seconds each
    run.writer.set_progress("training", "sampling 64 completions", step=2, max_steps=30)
    assert "Sampling 64 completions" not in page_text(open_monitor("countdown-1"))
    run.end("stopped")


def test_a_finished_run_is_not_polled(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = open_monitor("countdown-1")
    assert app.get_by_key("refresh").disabled


def test_a_running_run_is_polled_and_can_be_stopped_once(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.hold()
    run.train(3)
    app = open_monitor("countdown-1")
    assert not app.get_by_key("refresh").disabled
    assert "running" in page_text(app) and "of 30" in page_text(app)
    app.button(key="stop-countdown-1").click().run()
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index)] == ["launch", "stop"]
    assert "stopping" in page_text(app)
    assert "Stop" not in button_labels(app)
    app.button(key="kill-countdown-1").click().run()
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index)] == ["launch", "stop", "kill"]
    run.end("stopped")


def test_resuming_without_a_checkpoint_asks_first(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(3)
    run.end(outcome=None)
    app = open_monitor("countdown-1")
    app.button(key="resume-countdown-1").click().run()
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index)] == ["launch"]
    assert "steps 1 to 3 are made again from the start" in page_text(app)
    app.button(key="confirm-resume").click().run()
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index)] == ["launch", "resume"]


def test_a_crashed_run_says_what_happened_and_offers_to_resume(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(12)
    run.end(outcome=None)
    app = open_monitor("countdown-1")
    assert "The worker crashed" in app.error[0].value
    assert "checkpoint at step 10; steps 11 to 12 are made again" in app.error[0].value
    app.button(key="resume-countdown-1").click().run()
    assert not app.exception
    with open_index(runs_dir) as index:
        assert [c.kind for c in list_commands(index)] == ["launch", "resume"]
    assert "queued" in page_text(app)


def test_a_failed_run_shows_its_reason_without_reading_markdown_into_it(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(1)
    run.end("failed", "ValueError: [x](javascript:alert(1)) **no**")
    app = open_monitor("countdown-1")
    assert "Training failed" in app.error[0].value
    assert "\\[x\\]" in app.error[0].value and "\\*\\*no\\*\\*" in app.error[0].value


def test_a_queued_run_and_one_without_steps_wait_quietly(runs_dir: Path) -> None:
    queue_run(runs_dir, "countdown-2")
    app = open_monitor("countdown-2")
    assert "waits for its turn" in page_text(app)
    run = begin_run(runs_dir, "countdown-3")
    run.hold()
    run.writer.set_progress("loading", "loading embedded/countdown", step=0, max_steps=30)
    app = open_monitor("countdown-3")
    assert "Loading embedded/countdown" in page_text(app)
    assert "starting" in page_text(app)
    run.end("stopped")


def test_an_unknown_run_in_the_address_shows_the_newest_and_says_so(runs_dir: Path) -> None:
    write_finished_run(runs_dir, steps=2)
    app = open_monitor("gone")
    assert "no run gone" in app.warning[0].value
    assert app.query_params["run"] == "countdown-1"


def test_another_run_can_be_picked(runs_dir: Path) -> None:
    write_finished_run(runs_dir, "countdown-1", steps=3)
    write_finished_run(runs_dir, "countdown-2", steps=5)
    app = open_monitor("countdown-1", smoothing="0.3")
    assert "**Step 3** of 3" in page_text(app)
    app.selectbox(key="run_picker").set_value("countdown-2").run()
    assert not app.exception
    assert app.query_params["run"] == "countdown-2"
    assert "**Step 5** of 5" in page_text(app)


def test_a_sick_run_gets_its_diagnosis(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(3)
    for step in range(4, 20):
        metrics = {"reward": 0.0, "frac_reward_zero_std": 1.0, "kl": 0.0}
        run.writer.record_step(StepRecord(step, "train", metrics), max_steps=30)
    run.end("stopped")
    app = open_monitor("countdown-1")
    assert "Nothing to learn from" in app.error[0].value
    assert "Evidence" in expander_labels(app)
    assert "of the groups had no variance" in page_text(app)
    links = [link for link in app.get("page_link") if "generations that show it" in link.label]
    assert links and all("ids" in link.proto.query_string for link in links)


def test_what_the_rewards_measured_has_panels_only_where_they_measured_something(
    runs_dir: Path,
) -> None:
    run = begin_run(runs_dir)
    run.train(3)
    assert "Measured by the rewards" not in expander_labels(open_monitor("countdown-1"))
    measured = {"rewards/equation/mean": 0.5, "rewards/equation/gap": 0.75}
    run.writer.record_step(StepRecord(4, "train", measured), max_steps=30)
    run.end("stopped")
    app = open_monitor("countdown-1")
    assert "Measured by the rewards" in expander_labels(app)
    [panel] = measured_panels(shown_curves("countdown-1"))
    assert panel.title == "equation: gap" and list(panel.traces[0].y) == [0.75]


def test_what_a_judge_measured_is_explained_and_the_same_name_of_another_is_not(
    runs_dir: Path,
) -> None:
    run = begin_run(runs_dir)
    measured = {
        f"rewards/{name}/{what}": value
        for name in ("equation", "kind")
        for what, value in {"mean": 0.5, "undecided_groups": 0.25, "stop_rate": 1.0}.items()
    }
    run.writer.record_step(StepRecord(1, "train", measured), max_steps=30)
    run.end("stopped")
    panels = {p.title: p for p in measured_panels(shown_curves("countdown-1"), {"kind"})}
    assert list(panels["kind: undecided groups"].traces[0].y) == [0.25]
    assert "could not tell apart" in panels["kind: undecided groups"].help
    assert "max_tokens" in panels["kind: stop rate"].help
    assert "max_tokens" not in panels["equation: stop rate"].help


def test_the_curves_are_rebuilt_when_a_resumed_run_forgot_steps(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(14)
    app = open_monitor("countdown-1")
    assert shown_curves("countdown-1").last_step == 14
    run.writer.start_attempt(from_step=10, pid=1)
    run.step = 10
    run.train(1)
    app.run()
    curves = shown_curves("countdown-1")
    assert curves.last_step == 11 and list(curves.get("reward").step) == list(range(1, 12))
    run.end()


def test_the_log_the_rewards_and_the_settings_are_a_tab_away(runs_dir: Path) -> None:
    write_finished_run(runs_dir)
    app = open_monitor("countdown-1")
    assert any("step 30 of 30" in html.value for html in app.html)
    assert not app.code  # its highlighter takes a second to load: only who asks for code waits
    app = open_monitor("countdown-1", details="What is being rewarded")
    assert any("def brevity" in code.value for code in app.code)
    app = open_monitor("countdown-1", details="Settings")
    assert any("max_steps: 30" in code.value for code in app.code)


@pytest.mark.parametrize(("share", "links"), [(0.0, 0), (0.5, 1)])
def test_only_where_completions_are_unscored_are_they_linked(
    runs_dir: Path, share: float, links: int
) -> None:
    run = begin_run(runs_dir)
    metrics = {"reward": 0.5, "rewards/format/unscored": share}
    run.writer.record_step(StepRecord(1, "train", metrics), max_steps=30)
    run.end("needs_attention", "The disk is full: '/x' cannot be written")
    app = open_monitor("countdown-1")
    assert "The run needs you" in app.error[0].value
    labels = [link.proto.label for link in app.get("page_link")]
    assert sum("could not be scored" in label for label in labels) == links


def place_of_the_charts(app: AppTest) -> list[int]:
    """Where the first chart stands in the tree of blocks: Streamlit keeps it only in its place."""

    def search(block: Any) -> list[int] | None:
        for index, child in getattr(block, "children", {}).items():
            if child.type == "bidi_component":
                return [index]
            if (below := search(child)) is not None:
                return [index, *below]
        return None

    found = search(app.main)
    assert found is not None
    return found


def test_no_notice_moves_the_charts(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.hold()
    run.train(3)
    app = open_monitor("countdown-1")
    at_rest, place = len(page_text(app)), place_of_the_charts(app)
    app.button(key="stop-countdown-1").click().run()
    assert "saved, which may take minutes" in page_text(app) and len(page_text(app)) > at_rest
    assert place_of_the_charts(app) == place


def progress_bars(app: AppTest) -> list[tuple[int, str]]:
    return [(bar.proto.value, bar.proto.text) for bar in app.get("progress")]


def test_a_long_validation_has_a_bar_of_its_own_and_a_short_one_has_not(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.hold()
    run.train(3)
    for began, bars in ((time.time() - 300, 2), (time.time() + 300, 1)):  # for long; just now
        parts = PartsDone(1.0, 4.0, began)
        what = "64 of 1,495 prompts, batch 2 of 4"
        run.writer.set_progress("validating", what, step=3, max_steps=30, parts=parts)
        app = open_monitor("countdown-1")
        assert what in page_text(app)
        assert len(progress_bars(app)) == bars
        if bars == 2:
            share, text = progress_bars(app)[1]
            assert share == 25 and text.startswith("Answering the validation prompts: 15 min")
    run.end("stopped")
    assert len(progress_bars(open_monitor("countdown-1"))) == 1


def test_a_finished_run_that_a_function_could_not_judge_says_so(runs_dir: Path) -> None:
    run = begin_run(runs_dir)
    run.train(2)
    run.end("finished", "'equation' could score no completion of any step (KeyError)")
    assert "'equation' could score no completion" in page_text(open_monitor("countdown-1"))
