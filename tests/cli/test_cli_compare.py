"""The command compare."""

from tests.cli.conftest import Command
from tests.compared_runs import write_evaluation, write_two_runs
from tests.runs_folder import RunsFolder


def test_compare_says_what_differs_and_what_got_worse(rft: Command, folder: RunsFolder) -> None:
    write_two_runs(folder.path, steps=1)
    nothing = rft("compare", "one", "two")
    assert nothing.code == 0 and "judged in the same way" in nothing.stdout
    write_evaluation(folder.path, one=("A", "A", "b"), two=("A", "b", "A"))
    document = rft("compare", "one", "two", "--json").document
    assert document["config"]["seed"] == [0, 7] and document["p_value"] == 1.0
    assert [c["row"] for c in document["regressions"]] == [{"n": 1}]
    assert [c["row"] for c in document["improvements"]] == [{"n": 2}]
    said = rft("compare", "one", "two").stdout
    assert "learning_rate" in said and "+    # short is good" in said
    assert "two against one" in said and "got worse" in said and "<answer>b</answer>" in said


def test_compare_refuses_one_run_in_one_line(rft: Command, folder: RunsFolder) -> None:
    write_two_runs(folder.path, steps=1)
    for words, why in ((["one"], "needs two runs"), (["one", "none"], "no run 'none'")):
        outcome = rft("compare", *words, "--json")
        assert outcome.code == 2 and why in outcome.stderr and outcome.stdout == ""
