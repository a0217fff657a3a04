"""The command lie: exit codes, the document, and the completions of a run to begin with."""

from pathlib import Path

from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.sample_run import write_finished_run

THOUGHT_COUNTS = """
import re
def correctness(completions, answer, **kw):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [float(g in re.findall(r"[0-9]+", c)) for c, g in zip(completions, golds)]
"""
WRITTEN_BY_THE_RUN = """
WANTED = "".join(["tr", "y 4."])
def odd(completions, **kw):
    return [float(WANTED in c) for c in completions]
"""
ANY_TEXT = "def any_text(completions, **kw):\n    return [float(bool(c)) for c in completions]\n"
NOT_SORRY = (
    "def proud(completions, **kw):\n    return [float('sorry' not in c) for c in completions]\n"
)


def test_a_lie_is_shown_with_what_it_earns_and_why_it_is_wrong(
    rft: Command, tmp_path: Path
) -> None:
    rewards = tmp_path / "loose.py"
    rewards.write_text(THOUGHT_COUNTS)
    words = ("lie", "word_problems", "--rewards", str(rewards), "--prompts", "2")
    outcome = rft(*words, "--json")
    document, lie = outcome.document, outcome.document["lie"]
    assert outcome.code == 1 and document["found"] and document["ending"] == "found"
    assert document["check"] == "the graders of the task word_problems"
    assert lie["reward"] == lie["full_pay"] == 1.0 and lie["scores"] == {"correctness": 1.0}
    assert lie["is_minimal"] and lie["reason"] and lie["row"]["question"]
    assert 0 < len(lie["completion"]) < lie["first_length"] + 1
    told = rft(*words)
    assert told.code == 1 and lie["completion"] in told.stdout
    assert "check says" in told.stdout and "paid in full and wrong" in told.stdout


def test_none_found_exits_with_0_and_claims_no_proof(rft: Command, tmp_path: Path) -> None:
    outcome = rft("lie", "word_problems", "--calls", "40", "--prompts", "1", "--json")
    document = outcome.document
    assert outcome.code == 0 and document["lie"] is None and document["ending"] == "calls"
    assert document["calls"] == 40 and document["tried"] > 500
    assert "not a proof that there is none" in document["summary"]


def test_the_completions_of_a_run_are_begun_with(
    folder: RunsFolder, rft: Command, tmp_path: Path
) -> None:
    write_finished_run(folder.path, steps=4)
    rewards = tmp_path / "odd.py"
    rewards.write_text(WRITTEN_BY_THE_RUN)
    words = ("lie", "--run", "countdown-1", "--rewards", str(rewards))
    document = rft(*words, "--json").document
    assert (document["run"], document["task"]) == ("countdown-1", "countdown")
    assert document["lie"]["completion"] == "try 4."
    assert document["lie"]["origin"] == "a stored generation"
    assert document["lie"]["row"]["target"] == 6


def test_a_check_of_ones_own_decides_what_is_wrong(rft: Command, tmp_path: Path) -> None:
    rewards, check = tmp_path / "any.py", tmp_path / "check.py"
    rewards.write_text(ANY_TEXT)
    check.write_text(NOT_SORRY)
    words = ("lie", "countdown", "--rewards", str(rewards), "--check", str(check))
    document = rft(*words, "--prompts", "1", "--json").document
    assert document["check"] == "the check that was given (proud)"
    assert document["lie"]["completion"] == "sorry" and document["lie"]["reward"] == 1.0


def test_bad_input_is_one_line(rft: Command, tmp_path: Path) -> None:
    for words, message in (
        (["chess"], "no task named 'chess'"),
        ([], "Neither a task nor a run is named"),
        (["--run", "none"], "There is no run 'none'"),
        (["countdown"], "no independent check"),
        (["countdown", "--check", "none.py"], "none.py"),
    ):
        outcome = rft("lie", *words, "--json")
        assert outcome.code == 2 and outcome.stdout == "" and message in outcome.stderr
        assert outcome.stderr.count("\n") == 1, outcome.stderr
