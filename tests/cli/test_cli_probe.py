"""The command probe: exit codes, the table, the document."""

import json
from pathlib import Path

from tests.cli.conftest import Command

LOOSE = (
    "def any_text(completions, **kw):\n    return [float(bool(c.strip())) for c in completions]\n"
)


def test_sound_rewards_exit_with_0(rft: Command) -> None:
    outcome = rft("probe", "countdown", "--prompts", "2", "--json")
    document = outcome.document
    assert outcome.code == 0 and document["pays"] == 0
    assert document["summary"] == f"None of {document['probes']} probes pay."
    assert (document["gold_reward"], document["wrong_reward"]) == (2.0, 1.0)
    assert all(result["verdict"] == "held" for result in document["results"])


def test_rewards_that_pay_for_nothing_exit_with_1_and_show_what_pays(
    rft: Command, tmp_path: Path
) -> None:
    rewards = tmp_path / "loose.py"
    rewards.write_text(LOOSE)
    outcome = rft("probe", "word_problems", "--rewards", str(rewards), "--json")
    results = {result["name"]: result for result in outcome.document["results"]}
    refusal = results["refusal"]
    assert outcome.code == 1 and refusal["pays"] and refusal["verdict"] == "pays"
    assert refusal["scores"] == {"any_text": 1.0} and refusal["reward"] == 1.0
    assert refusal["completion"] and refusal["meaning"] and refusal["advice"]
    assert refusal["row"]["question"]
    table = rft("probe", "word_problems", "--rewards", str(rewards))
    assert table.code == 1
    assert "A refusal" in table.stdout and "Fix: " in table.stdout
    assert table.stdout.rstrip().endswith("probes pay.")


def test_rows_of_ones_own_are_probed(rft: Command, tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    made = [{"question": f"{n} + 1?", "answer": f"#### {n + 1}"} for n in range(20, 30)]
    rows.write_text("\n".join(map(json.dumps, made)))
    outcome = rft("probe", "word_problems", "--rows", str(rows), "--prompts", "3", "--json")
    assert outcome.code == 0 and outcome.document["gold_known"]
    assert {r["row"]["question"] for r in outcome.document["results"]} <= {
        row["question"] for row in made
    }


def test_bad_input_is_one_line(rft: Command) -> None:
    for words in (
        ["chess"],
        ["countdown", "--rewards", "none.py"],
        ["countdown", "--prompts", "0"],
    ):
        outcome = rft("probe", *words, "--json")
        assert outcome.code == 2 and outcome.stdout == "" and outcome.stderr.count("\n") == 1
