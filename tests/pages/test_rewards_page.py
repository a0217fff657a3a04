"""Rewards, driven without a browser: graders, Python, versions, dry runs pasted and sampled."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.dry_run.form import split_pasted
from pages.components.rewards.versions import reward_diff
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.service.client import GenerationClient
from rft_core.sandbox.tiers import SandboxReport, TrialResult
from rft_core.store.index import open_index
from rft_core.store.rescores import get_rescore
from rft_core.store.sets import list_sets
from rft_core.tasks import get_task
from tests.runs_folder import await_truth
from tests.sample_run import write_finished_run

PASTED = "<think>a</think>\n<answer>1</answer>".replace("\n", "") + "\nno tags\nneither"
CHECK = {"type": "string_check", "name": "exact", "input": "{{ sample.output_text }}",
         "reference": "{{item.target}}", "operation": "eq", "pass_threshold": 1}  # fmt: skip
SHORT = {"type": "python", "name": "short", "source":
         "def grade(sample, item):\n    return float(len(sample['output_text']) < 20)"}  # fmt: skip
MULTI = {"type": "multi", "name": "both", "graders": {"exact": CHECK, "short": SHORT},
         "calculate_output": "0.75 * exact + 0.25 * short"}  # fmt: skip
FAILING = """\
def picky(completions, **columns):
    print("looking at", len(completions))
    for text in completions:
        if text == "neither":
            raise ValueError("cannot read this")
    return [1.0 for _ in completions]
"""


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("runs")
    yield folder
    GenerationClient(folder).stop()


@pytest.fixture(autouse=True)
def _environment(runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_RUNS_DIR", str(runs_dir))
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")


def open_rewards(**query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    for key, value in query.items():
        app.query_params[key] = value
    return checked(app.switch_page("rewards.py").run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click()
    return checked(app.run())


def is_disabled(app: AppTest, label: str) -> bool:
    return next(bool(button.disabled) for button in app.button if button.label == label)


def number(app: AppTest, label: str, index: int = 0) -> object:
    return [field for field in app.number_input if field.label == label][index]


def write_python(app: AppTest, source: str) -> AppTest:
    click(app, "Python starter")
    next(area for area in app.text_area if area.label == "Reward source").set_value(source)
    return checked(app.run())


def paste(app: AppTest, text: str) -> AppTest:
    app.get_by_key("dry_run_how").set_value("Paste completions")
    checked(app.run())
    app.text_area(key="dry_run_pasted").set_value(text)
    return checked(app.run())


def scores(app: AppTest) -> dict[str, list[object]]:
    """The columns of the table of every score."""
    frame = next(f.value for f in app.dataframe if "advantage" in f.value)
    return {str(name): list(values) for name, values in frame.items()}


def page_text(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.error, *app.success, *app.warning, *app.code]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def test_a_first_visit_begins_with_countdowns_own_rewards(runs_dir: Path) -> None:
    app = open_rewards()
    click(app, "Save as a new version")
    with open_index(runs_dir) as index:
        stored = list_sets(index, "rewards")
    assert get_task("countdown").reward_set.id in [row["id"] for row in stored]
    assert is_disabled(app, "Save as a new version")
    assert "Stored as **countdown, version 1**" in page_text(app)


def test_pasted_completions_get_scores_reasons_and_the_trainers_advantages() -> None:
    app = click(paste(open_rewards(), PASTED), "Run the dry run")
    table = scores(app)
    assert table["format"] == [1.0, 0.0, 0.0]
    assert table["reward"] == [1.0, 0.0, 0.0]
    assert table["advantage"] == pytest.approx(compute_advantages([1.0, 0.0, 0.0], 3))
    assert all(table["why format"])
    assert "From 67% of the completions no answer could be taken" in app.warning[0].value


def test_one_lone_completion_gets_scores_but_no_verdict() -> None:
    app = click(paste(open_rewards(), "no tags"), "Run the dry run")
    assert "no verdict" in page_text(app)
    assert not app.success and not app.error


def test_a_failing_function_is_named_with_its_line_and_its_completion() -> None:
    app = click(paste(write_python(open_rewards(), FAILING), PASTED), "Run the dry run")
    text = page_text(app)
    assert "'picky' failed on completion 2 (line 5): ValueError: cannot read this" in text
    assert "line 5, in picky" in text and "It failed on completion #3 of prompt 1" in text
    assert "looking at 3" in text
    assert scores(app)["picky"][:2] == [1.0, 1.0]


def test_a_syntax_error_names_its_line_and_nothing_can_be_run_or_saved() -> None:
    app = write_python(open_rewards(), "def f(completions):\n    return [1.0\n")
    assert "**Line 2.** SyntaxError" in page_text(app)
    assert is_disabled(app, "Run the dry run") and is_disabled(app, "Save as a new version")


def test_weights_in_the_source_and_in_the_form_reach_the_reward() -> None:
    source = 'WEIGHTS = {"f": 0.5}\n\ndef f(completions, **columns):\n    return [2.0, 4.0]\n'
    app = paste(write_python(open_rewards(), source), "a\nb")
    assert number(app, "f").value == 0.5  # type: ignore[attr-defined]
    assert scores(click(app, "Run the dry run"))["reward"] == [1.0, 2.0]
    number(app, "f").set_value(3.0)  # type: ignore[attr-defined]
    checked(app.run())
    assert "have changed since" in app.info[0].value
    assert scores(click(app, "Run the dry run"))["reward"] == [6.0, 12.0]


def test_sampled_completions_are_kept_until_asked_for_others() -> None:
    app = open_rewards()
    app.number_input(key="dry_run_count").set_value(2)
    app.number_input(key="dry_run_group").set_value(4)
    checked(app.run())
    first = scores(click(app, "Run the dry run"))
    assert len(first["completion"]) == 8
    number(app, "Weight").set_value(2.0)  # type: ignore[attr-defined]
    checked(app.run())
    second = scores(click(app, "Run the dry run"))
    assert second["completion"] == first["completion"]
    assert second["reward"] != first["reward"]
    third = scores(click(app, "Sample again"))
    assert third["completion"] != first["completion"]


def test_graders_are_added_with_their_options_and_removed() -> None:
    app = open_rewards()
    next(menu for menu in app.menu_button if menu.label == "Add a grader").click("regex")
    checked(app.run())
    pattern = next(field for field in app.text_input if field.label == "pattern")
    checked(pattern.set_value("(").run())
    assert app.error and is_disabled(app, "Save as a new version")
    next(field for field in app.text_input if field.label == "pattern").set_value("tags")
    checked(app.run())
    assert not app.error
    assert scores(click(paste(app, PASTED), "Run the dry run"))["regex"] == [0.0, 1.0, 0.0]
    for _ in range(3):
        click(app, "Remove")
    assert "no reward yet" in app.info[0].value


def test_an_edit_is_a_new_version_and_old_ones_stay(runs_dir: Path) -> None:
    app = open_rewards()
    for weight in (5.0, 6.0):
        number(app, "Weight").set_value(weight)  # type: ignore[attr-defined]
        checked(app.run())
        next(field for field in app.text_input if field.key and field.key.endswith("set-name")
             ).set_value("mine")  # fmt: skip
        checked(app.run())
        click(app, "Save as a new version")
    with open_index(runs_dir) as index:
        mine = [row["version"] for row in list_sets(index, "rewards") if row["name"] == "mine"]
    assert mine == [2, 1]


def test_a_version_in_the_address_is_opened(runs_dir: Path) -> None:
    app = write_python(open_rewards(), FAILING)
    click(app, "Save as a new version")
    with open_index(runs_dir) as index:
        id = list_sets(index, "rewards")[0]["id"]
    app = open_rewards(rewards=id)
    assert next(area.value for area in app.text_area if area.label == "Reward source") == FAILING
    assert f"`{id}`" in page_text(app)


def test_starting_over_keeps_what_was_there_before() -> None:
    app = open_rewards()
    number(app, "Weight").set_value(7.0)  # type: ignore[attr-defined]
    checked(app.run())
    click(app, "Python starter")
    assert not [field for field in app.number_input if field.label == "Weight"]
    click(app, "Back to what I had")
    assert number(app, "Weight").value == 7.0  # type: ignore[attr-defined]


def test_a_python_file_is_opened_and_a_binary_one_is_refused() -> None:
    app = open_rewards()
    upload = app.file_uploader(key="rewards_upload")
    upload.set_value(("mine.py", b"\xff\xfe\x00", "text/x-python"))
    checked(app.run())
    assert "not UTF-8" in page_text(app)
    app.file_uploader(key="rewards_upload").set_value(("mine.py", FAILING.encode(), "text/plain"))
    checked(app.run())
    assert next(a.value for a in app.text_area if a.label == "Reward source") == FAILING
    assert app.get_by_key(next(f.key for f in app.text_input if f.label == "Name")).value == "mine"


def test_train_opens_with_the_saved_rewards_and_the_chosen_prompts() -> None:
    app = open_rewards()
    if not is_disabled(app, "Save as a new version"):
        click(app, "Save as a new version")
    click(app, "Next: train with these rewards")
    assert app.session_state["config.reward_set"] == get_task("countdown").reward_set.id
    assert app.session_state["config.task"] == "countdown"


def test_pasted_text_is_split_by_lines_or_by_rules() -> None:
    assert split_pasted("a\n\n b \r\nc", blocks=False) == ("a", "b", "c")
    assert split_pasted("a\nb\n---\n\n---\nc", blocks=True) == ("a\nb", "c")


def test_a_diff_shows_what_changed_and_nothing_for_equal_sets() -> None:
    old = RewardSet((RewardEntry("format", "format"),))
    new = RewardSet((RewardEntry("format", "format", 2.0),))
    assert reward_diff(old, old) == ""
    assert "-# format: format, weight 1" in reward_diff(old, new)
    assert "+# format: format, weight 2" in reward_diff(old, new)


def import_pasted(app: AppTest, text: str) -> AppTest:
    app.text_area(key="rewards_pasted").set_value(text)
    return checked(app.button(key="rewards_import").click().run())


def test_an_openai_grader_is_imported_edited_dry_run_and_taken_away() -> None:
    app = import_pasted(open_rewards(), json.dumps(MULTI))
    assert [field.value for field in app.text_input if field.label == "Name"][:2] == [
        "exact", "both",
    ]  # fmt: skip
    assert "'graders.exact.pass_threshold' was left out" in app.info[0].value.replace("\\", "")
    target = get_task("countdown").load(1, 1, 0)[0][0]["target"]
    table = scores(click(paste(app, f"{target}\n{target} and more"), "Run the dry run"))
    assert table["both"] == [1.0, 0.25]
    app.session_state["rewards_export"] = True
    checked(app.run())
    assert [button.disabled for button in app.download_button] == [False, False]
    assert "A score of None becomes 0" in page_text(app)


def test_a_graders_mistakes_are_listed_by_their_paths_and_change_nothing() -> None:
    app = open_rewards()
    before = [field.value for field in app.text_input if field.label == "Name"]
    graders = {"exact": {"type": "string_check", "input": "x", "reference": "y"}}
    app = import_pasted(app, json.dumps(MULTI | {"graders": graders}))
    assert "- graders.exact.operation: is missing" in page_text(app)
    assert [field.value for field in app.text_input if field.label == "Name"] == before
    for text in ("", "{", "import os"):
        assert import_pasted(app, text).error


def test_a_grader_file_is_opened() -> None:
    app = open_rewards()
    content = json.dumps(MULTI).encode()
    app.file_uploader(key="rewards_upload").set_value(("g.json", content, "application/json"))
    checked(app.run())
    assert "both" in [field.value for field in app.text_input if field.label == "Name"]
    app.file_uploader(key="rewards_upload").set_value(("h.json", b"{}", "application/json"))
    assert "type: None" in page_text(checked(app.run()))


def test_what_cannot_be_taken_away_is_said_in_words() -> None:
    judge = {"type": "score_model", "name": "kind", "model": "m",
             "input": [{"role": "user", "content": "Rate {{ sample.output_text }}"}]}  # fmt: skip
    app = import_pasted(open_rewards(), json.dumps(judge))
    app.session_state["rewards_export"] = True
    text = page_text(checked(app.run()))
    assert "These rewards cannot be a Python module" in text and "'kind': it asks a judge" in text
    assert [button.disabled for button in app.download_button] == [False, True]


def test_a_saved_version_is_tried_on_a_past_run(runs_dir: Path) -> None:
    write_finished_run(runs_dir, "past", steps=3)
    app = open_rewards()
    number(app, "Weight").set_value(3.5)  # type: ignore[attr-defined]
    checked(app.run())
    click(app, "Save as a new version")
    with open_index(runs_dir) as index:
        stored = list_sets(index, "rewards")[0]["id"]
    app.selectbox(key="rescore_run").set_value("past")
    app.button(key="rescore_go").click().run()
    found = get_rescore(runs_dir, "past", stored)
    assert found is not None and found.state in ("running", "finished")
    await_truth(lambda: not get_rescore(runs_dir, "past", stored).is_running, "it to finish")


def test_where_code_cannot_be_locked_in_the_page_says_so_and_what_still_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert not open_rewards().error
    probe = TrialResult("bwrap", "bubblewrap", False, "not installed")
    nothing = SandboxReport(None, (), (probe,))
    monkeypatch.setattr(
        "pages.components.rewards.sandbox_notice.get_sandbox_report", lambda: nothing
    )
    app = open_rewards()
    assert "bwrap: not installed" in app.error[0].value.replace("\\", "")
    assert "refused here" in app.error[0].value and "format still work" in app.error[0].value


def test_a_tasks_rewards_bring_its_prompts_and_its_model_and_training_gets_what_was_tried() -> None:
    app = open_rewards()
    app.get_by_key("rewards_from_task").set_value("Triton kernels, easy")
    checked(app.run())
    assert app.selectbox(key="dry_run_prompts").value == "triton_kernels-easy"
    assert app.selectbox(key="dry_run_model").value == "embedded/triton"
    assert app.number_input(key="dry_run_length").value == 104
    app.number_input(key="dry_run_temperature").set_value(0.9)
    click(app, "Save as a new version")
    click(app, "Next: train with these rewards")
    drafted = {name: app.session_state[f"config.{name}"] for name in ("task", "model")}
    assert drafted == {"task": "triton_kernels-easy", "model": "embedded/triton"}
    assert app.session_state["config.temperature"] == "0.9"
    assert app.session_state["config.max_completion_length"] == 104
