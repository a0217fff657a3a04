"""Train, driven without a browser: the form is RunConfig, the checks come before the launch."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.page_header import plain
from pages.components.stage_editor import RECIPE_TITLES
from pages.components.suited_settings import suited_settings
from rft_core.config import METHODS, RECIPES, RunConfig, make_config, uses, write_stages
from rft_core.jobs.checks import list_judge_calls
from rft_core.jobs.pinning import store_prompt_set
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sandbox.tiers import SandboxReport
from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from rft_core.store.sets import ensure_set
from rft_core.tasks import CUSTOM_TASK, TASKS
from tests.tiny_run import make_tiny_prompts


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
    widgets = [*app.selectbox, *app.number_input, *app.text_input, *app.toggle, *app.checkbox]
    return {str(widget.key) for widget in widgets if widget.key}


def test_a_stored_set_is_as_long_as_it_is_and_a_custom_task_has_none_of_its_own(
    runs_dir: Path,
) -> None:
    prompts = make_tiny_prompts()
    with open_index(runs_dir) as index:
        store_prompt_set(index, prompts)
    app = open_train()
    chooser = app.selectbox(key="config.prompt_set")
    assert chooser.options[0] == "the task's own"
    assert "config.num_prompts" in widget_keys(app)
    chooser.set_value(prompts.id).run()
    assert "config.num_prompts" not in widget_keys(app)
    app.selectbox(key="config.task").set_value(CUSTOM_TASK).run()
    assert app.selectbox(key="config.prompt_set").options[0] == "none chosen"
    assert app.selectbox(key="config.reward_set").options[0] == "none chosen"


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
    next(box for box in app.selectbox if box.label == "Unit of stage 1").set_value("steps").run()
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


def test_a_stage_in_epochs_is_shown_planned_and_launched_as_such(runs_dir: Path) -> None:
    app = open_train()
    app.number_input(key="config.num_prompts").set_value(96).run()
    click(app, "ReFT: SFT, then PPO")
    epochs = next(box for box in app.number_input if box.label == "Epochs of stage 1")
    assert epochs.value == 2
    epochs.set_value(4.0).run()
    assert app.session_state["config.stages"].startswith("sft 4epochs; ppo 160 ")
    captions = [str(caption.value) for caption in app.caption]
    assert "sft: 4 epochs of 96 prompts = 6 steps." in captions
    assert "6 steps of 64 examples, then 160 steps of" in str(app.success[0].value)
    assert "'stages=sft 4epochs; ppo 160 " in app.code[0].value
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert [stage.max_steps for stage in run.config.stages] == [6, 160]


def test_a_stage_changes_between_steps_and_epochs(runs_dir: Path) -> None:
    app = click(open_train(), "SFT, then GRPO")
    for unit, text in (("steps", "sft 40"), ("epochs", "sft 2epochs")):
        next(b for b in app.selectbox if b.label == "Unit of stage 1").set_value(unit).run()
        assert not app.exception
        assert app.session_state["config.stages"] == f"{text}; grpo 160 reference=stage_start"


def test_every_recipe_is_one_click_under_its_title(runs_dir: Path) -> None:
    app = open_train()
    for name, stages in RECIPES.items():
        text = click(app, RECIPE_TITLES[name]).session_state["config.stages"]
        assert text == write_stages(make_config({"stages": stages}).stages)
        wants_pairs = any("pairs" in m.needs for m in RunConfig(stages=stages).methods)
        assert ["no pair set is named" in str(w.value) for w in app.warning] == [True] * wants_pairs


def test_what_a_stage_does_is_said_before_it_is_launched(runs_dir: Path) -> None:
    app = open_train()
    app.session_state["config.stages"] = "offline_st 7; online_st 3"
    app.run()
    assert not app.exception
    (ready,) = [box.value for box in app.success]
    assert "7 steps of 64 examples, after 8 completions of each prompt, then 3 steps of" in ready
    assert "64 completions (8 prompts × 8)" in ready


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


def test_a_stage_says_what_suits_its_method_and_forgets_what_suited_another(
    runs_dir: Path,
) -> None:
    app = click(open_train(), RECIPE_TITLES["reft"])

    def settings() -> str:
        return str(next(b for b in app.text_input if b.label == "Settings of stage 2").value)

    assert settings() == "num_iterations=2 beta=0.01 reference=stage_start"
    method = next(box for box in app.selectbox if box.label == "Method of stage 2")
    method.set_value("grpo").run()
    assert not app.exception and not app.error
    assert settings() == "reference=stage_start"
    next(box for box in app.selectbox if box.label == "Method of stage 2").set_value("ppo").run()
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert [plan.config.beta for plan in run.config.plan_stages()][1] == 0.01


def test_what_was_chosen_for_the_run_holds_in_the_stages_of_a_recipe(runs_dir: Path) -> None:
    app = open_train()
    app.text_input(key="config.learning_rate").set_value("0.01").run()
    click(app, RECIPE_TITLES["rlhf"])
    line = next(b for b in app.text_input if b.label == "Settings of stage 1").value
    assert line == "per_device_train_batch_size=16"


def test_a_mistake_in_a_stage_is_one_sentence(runs_dir: Path) -> None:
    app = click(open_train(), "SFT, then GRPO")
    settings = next(box for box in app.text_input if box.label == "Settings of stage 1")
    settings.set_value("beta=0.01").run()
    assert not app.exception
    assert "no setting of a stage with sft" in str(app.error[0].value)


def test_stages_take_what_suits_each_and_nothing_of_the_method_chosen_before(
    runs_dir: Path,
) -> None:
    app = open_train()
    app.selectbox(key="config.method").set_value("reward_model").run()
    assert app.text_input(key="config.learning_rate").value == "0.0001"
    app.number_input(key="config.warmup_steps").set_value(3).run()  # chosen by somebody
    click(app, RECIPE_TITLES["rlhf"])
    default = RunConfig()
    assert float(app.text_input(key="config.learning_rate").value) == default.learning_rate
    batch = app.number_input(key="config.per_device_train_batch_size")
    assert batch.value == default.per_device_train_batch_size
    assert app.number_input(key="config.warmup_steps").value == 3
    click(app, "One method")
    assert app.text_input(key="config.learning_rate").value == "0.0001"


def test_the_preflight_can_be_left_out_where_there_would_be_one(runs_dir: Path) -> None:
    app = open_train()
    box = app.checkbox(key="config.preflight")
    assert box.value is True and "preflight" not in app.code[0].value
    box.uncheck().run()
    assert not app.exception
    assert "--set preflight=False" in app.code[0].value
    app.selectbox(key="config.method").set_value("sft").run()
    assert not app.exception and not app.checkbox  # another first policy is not judged


def test_the_calls_of_a_judge_are_said_before_a_launch(runs_dir: Path) -> None:
    options = {"model": "m", "rubric": "Be kind.", "requests_per_minute": 60}
    rewards = RewardSet((RewardEntry("kind", "judge", options=options),), "Kindness")
    with open_index(runs_dir) as index:
        content = rewards.to_json()
        ensure_set(index, "rewards", id=rewards.id, name=rewards.name, content=content)
    app = open_train()
    assert not any("answers" in str(info.value) for info in app.info)
    app.selectbox(key="config.reward_set").set_value(rewards.id).run()
    assert not app.exception
    [said] = [str(info.value) for info in app.info if "answers" in str(info.value)]
    [calls] = list_judge_calls(runs_dir, make_config({"reward_set": rewards.id}))
    assert said == plain(str(calls)) and f"{calls.total:,} calls at most" in said


def test_others_of_the_tasks_rewards_are_offered_with_that_task_alone(runs_dir: Path) -> None:
    app = open_train()
    app.selectbox(key="config.task").set_value("word_problems").run()
    chooser = app.selectbox(key="config.reward_set")
    assert "reft: 1 if right, 0.1 for any other number" in chooser.options
    chooser.set_value("reft").run()
    app.selectbox(key="config.task").set_value("countdown").run()
    assert app.session_state["config.reward_set"] == ""
    app.selectbox(key="config.task").set_value("gsm8k_program").run()
    app.selectbox(key="config.task").set_value("word_problems").run()
    app.selectbox(key="config.reward_set").set_value("reft").run()
    assert "--set reward_set=reft" in app.code[0].value
    click(app, "Launch")
    with open_index(runs_dir) as index:
        (run,) = list_runs(index)
    assert run.config.reward_set == TASKS["word_problems"].other_rewards["reft"].rewards.id
