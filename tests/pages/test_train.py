"""Train, driven without a browser: the form is RunConfig, the checks come before the launch."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.page_header import plain
from pages.components.suited_settings import suited_settings
from rft_core.config import METHODS, RunConfig, uses
from rft_core.paths import PROJECT_ROOT
from rft_core.sandbox.tiers import SandboxReport
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    return tmp_path


def open_train() -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.switch_page("train.py").run()
    assert not app.exception
    return app


def click(app: AppTest, label: str) -> AppTest:
    next(b for b in app.button if b.label == label).click()
    app.run()
    assert not app.exception
    return app


def widget_keys(app: AppTest) -> set[str]:
    widgets = [*app.selectbox, *app.number_input, *app.text_input, *app.toggle]
    return {str(widget.key) for widget in widgets if widget.key}


@pytest.mark.parametrize("name", METHODS)
def test_every_field_that_a_method_uses_has_a_widget_and_no_other(
    runs_dir: Path, name: str
) -> None:
    app = open_train()
    app.selectbox(key="config.method").set_value(name).run()
    assert not app.exception
    used = {field for field in RunConfig.model_fields if uses(METHODS[name], field)}
    drawn = {key.removeprefix("config.") for key in widget_keys(app) if key.startswith("config.")}
    assert drawn == used - {"stages"}  # these have an editor of their own


def test_a_batch_that_does_not_divide_is_named_before_anything_loads(runs_dir: Path) -> None:
    app = open_train()
    app.number_input(key="config.num_generations").set_value(7).run()
    assert any(plain("num_generations") in str(warning.value) for warning in app.warning)
    launch = next(b for b in app.button if b.label == "Launch")
    assert launch.disabled


def test_a_value_out_of_bounds_is_one_clear_error(runs_dir: Path) -> None:
    app = open_train()
    app.text_input(key="config.learning_rate").set_value("fast").run()
    assert not app.exception
    assert "learning" in str(app.error[0].value)


def test_a_preset_fills_the_form_and_launch_pins_what_is_shown(runs_dir: Path) -> None:
    app = click(open_train(), "Countdown demo")
    app.number_input(key="config.max_steps").set_value(3).run()
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert run.config.max_steps == 3 and run.name == "Countdown demo"
    assert run.config.prompt_set and run.config.reward_set


def test_the_command_line_says_only_what_differs_from_the_defaults(runs_dir: Path) -> None:
    app = open_train()
    app.text_input(key="config.beta").set_value("0.02").run()
    (command,) = [block.value for block in app.code]
    assert command == "python -m rft_core launch --set beta=0.02"


def test_another_task_brings_the_embedded_model_that_knows_it_but_changes_no_other_model(
    runs_dir: Path,
) -> None:
    app = open_train()
    app.selectbox(key="config.task").set_value("triton_kernels-easy").run()
    assert not app.exception
    assert app.selectbox(key="config.model").value == "embedded/triton"
    assert app.number_input(key="config.max_completion_length").value == 104
    assert suited_settings("countdown", "some/model") == {}
    assert suited_settings("gsm8k", "embedded/countdown") == {}


def test_a_preset_for_a_gpu_keeps_the_task_and_a_demo_brings_its_own(runs_dir: Path) -> None:
    app = open_train()
    app.selectbox(key="config.task").set_value("gsm8k").run()
    click(app, "Triton demo")
    assert app.session_state["config.task"] == "triton_kernels-easy"
    app.selectbox(key="config.task").set_value("gsm8k").run()
    click(app, "one big GPU")
    assert app.session_state["config.task"] == "gsm8k"
    assert app.session_state["config.engine"] == "vllm"


def test_kernels_cannot_be_launched_where_no_code_can_be_locked_in(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = SandboxReport(None, (), ())
    monkeypatch.setattr("rft_core.jobs.checks.get_sandbox_report", lambda: nothing)
    app = click(open_train(), "Triton demo")
    told = " ".join(str(warning.value) for warning in app.warning)
    assert plain("cannot be locked in on this machine: 'compilation', 'correctness'") in told
    assert next(b for b in app.button if b.label == "Launch").disabled
    app.selectbox(key="config.task").set_value("json_output").run()  # a schema is no code
    assert not any("cannot be locked in" in str(warning.value) for warning in app.warning)
    assert not next(b for b in app.button if b.label == "Launch").disabled


def test_sft_then_grpo_is_one_click_and_launches_as_one_run_in_stages(runs_dir: Path) -> None:
    app = click(open_train(), "SFT, then GRPO")
    assert app.selectbox(key="config.method").disabled
    steps = next(box for box in app.number_input if box.label == "Steps of stage 1")
    steps.set_value(7).run()
    settings = next(box for box in app.text_input if box.label == "Settings of stage 2")
    settings.set_value("beta=0.01").run()
    assert not app.exception
    assert app.session_state["config.stages"] == "sft 7; grpo 160 beta=0.01"
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert [stage.method for stage in run.config.stages] == ["sft", "grpo"]
    assert run.config.max_steps == 167
    assert (
        click(click(open_train(), "SFT, then GRPO"), "One method").session_state["config.stages"]
        == ""
    )


@pytest.mark.parametrize("stages", ["grpo 7", "sft 3; grpo 4"])
def test_steps_are_asked_for_once(runs_dir: Path, stages: str) -> None:
    """A stage says its own steps: a field for those of the run would not be read."""
    app = open_train()
    assert "config.max_steps" in widget_keys(app)
    app.session_state["config.stages"] = stages
    app.run()
    assert not app.exception
    assert "config.max_steps" not in widget_keys(app)
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert run.config.max_steps == 7


def test_a_mistake_in_a_stage_is_one_sentence(runs_dir: Path) -> None:
    app = click(open_train(), "SFT, then GRPO")
    settings = next(box for box in app.text_input if box.label == "Settings of stage 1")
    settings.set_value("beta=0.01").run()
    assert not app.exception
    assert "no setting of a stage with sft" in str(app.error[0].value)
