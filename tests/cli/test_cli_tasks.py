"""`tasks --check` proves each task's gold answers, and ends with 1 where one falls short."""

from dataclasses import replace

import pytest
import typer.testing

from pages.components.suited_settings import suited_settings
from rft_core.cli import tasks
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
