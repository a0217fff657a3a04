"""`tasks --check` proves each task's gold answers, and ends with 1 where one falls short."""

from dataclasses import replace

import pytest
import typer.testing

from pages.components.suited_settings import suited_settings
from rft_core.cli import tasks
from rft_core.config import RECIPES, RunConfig
from rft_core.tasks import TASKS

COUNTDOWN = TASKS["countdown-easy"]


@pytest.mark.parametrize(("gold", "code"), [(COUNTDOWN.write_gold, 0), (lambda row: "7", 1)])
def test_a_task_whose_gold_answer_falls_short_is_named(monkeypatch, gold, code):
    known = {"countdown-easy": replace(COUNTDOWN, write_gold=gold)}
    monkeypatch.setattr("rft_core.tasks.TASKS", known)
    app = typer.Typer()
    app.command()(tasks.tasks)
    result = typer.testing.CliRunner().invoke(app, ["--check"])
    assert result.exit_code == code, result.output
    said = "gold answers earn the full reward" if code == 0 else "does not earn the full reward"
    assert said in result.output


def test_tasks_of_one_family_share_their_embedded_model():
    easy = suited_settings("countdown-easy", "embedded/countdown")
    assert easy == suited_settings("countdown", "embedded/countdown") == {}
    assert (
        suited_settings("triton_kernels-easy", "embedded/countdown")["model"]
        == (suited_settings("triton_kernels", "embedded/countdown")["model"])
    )


def test_settings_and_recipes_are_listed_as_they_hold_for_a_method(rft):
    told = rft("settings", "--json").document
    assert {row["name"] for row in told["settings"]} == set(RunConfig.model_fields)
    assert told["recipes"] == RECIPES
    rows = rft("settings", "ppo", "--json").document["settings"]
    of_ppo = {row["name"]: row["default"] for row in rows}
    assert of_ppo["beta"] == "0.01" and "gold_share" not in of_ppo
    assert "reference=stage_start" in rft("settings").stdout
    assert "Choose from" in rft("settings", "nothing").stderr


def test_the_lists_name_other_rewards_of_a_task(rft):
    told = rft("tasks", "--json").document["tasks"]
    others = {task["name"]: list(task["other_rewards"]) for task in told}
    assert others["gsm8k"] == ["reft"] and others["triton_kernels"] == ["naive"]
    assert not others["countdown"]
    listed = rft("sets", "--json").document["task_rewards"]
    assert {"gsm8k", "word_problems_program"} <= {o["task"] for o in listed if o["name"] == "reft"}
    assert "1 if right, 0.1 for any other number" in rft("sets").stdout
