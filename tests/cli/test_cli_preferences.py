"""Preferences from the command line: files in and out, and pairs from what is stored."""

import json
from pathlib import Path

from rft_core.data import PairSet
from rft_core.store.index import open_index
from rft_core.store.preferences import add_judgement
from rft_core.store.sets import get_set
from tests.cli.conftest import Command
from tests.judgements import make_judgement
from tests.runs_folder import RunsFolder


def add_judgements(folder: RunsFolder) -> None:
    with open_index(folder.path) as index:
        for number in range(10):
            add_judgement(index, make_judgement(f"r{number}", (1, 2, 3, 3)))
        add_judgement(index, make_judgement("again", (1, 2, 3, 3), repeats="r0", question="r0"))


def test_stored_rankings_become_a_set_a_file_and_the_same_set_again(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    add_judgements(folder)
    made = rft("preferences", "pairs", "--name", "mine", "--json").document
    assert (made["train"], made["validation"]) == (45, 5)
    assert made["about"] == "50 pairs of 11 judgements; 10 ties and 1 repeated item gave none."
    [listed] = rft("sets", "--json").document["pair_sets"]
    assert (listed["id"], listed["name"], listed["num_rows"]) == (made["pair_set"], "mine", 50)
    file = tmp_path / "out.jsonl"
    exported = rft("preferences", "export", str(file), "--pairs", made["pair_set"], "--json")
    assert exported.document["pairs"] == 50
    assert rft("preferences", "export", str(tmp_path / "all.jsonl")).code == 0
    assert (tmp_path / "all.jsonl").read_text() == file.read_text()
    first = json.loads(file.read_text().splitlines()[0])
    assert first["prompt"] == [{"role": "user", "content": "question r0"}]
    again = rft(
        "preferences", "import", str(file), "--name", "back", "--task", "countdown", "--json"
    )
    with open_index(folder.path) as index:
        read = PairSet.from_json(get_set(index, "pairs", again.document["pair_set"]).content)
        original = PairSet.from_json(get_set(index, "pairs", made["pair_set"]).content)
    assert read.pairs == original.pairs and read.validation == original.validation
    assert (read.task, original.task) == ("countdown", "custom")


def test_the_list_shows_verdicts_agreement_and_win_rates(rft: Command, folder: RunsFolder) -> None:
    add_judgements(folder)
    document = rft("preferences", "list", "--json").document
    assert document["judgements"][0]["verdict"] == "A > B > C = D"
    assert document["self_agreement"]["n"] == 1
    assert document["lanes"][0]["lane"] == "base tiny"
    shown = rft("preferences", "list")
    assert "A > B > C = D (repeated)" in shown.stdout
    assert "Self-agreement 100% on 1 repeated items" in shown.stderr
    assert "base tiny: win rate 100%" in shown.stderr


def test_a_bad_file_and_no_judgements_say_what_to_do_and_store_nothing(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    nothing = rft("preferences", "pairs")
    assert nothing.code == 2 and "Rate more answers on the Chat page" in nothing.stderr
    bad = tmp_path / "bad.jsonl"
    bad.write_text(
        '{"prompt": "a", "chosen": "b", "rejected": "c"}\n{"prompt": "a", "chosen": "b"}'
    )
    refused = rft("preferences", "import", str(bad))
    assert refused.code == 2 and "Row 2 has no 'rejected' answer" in refused.stderr
    bad.write_text('{"prompt": "a", "chosen": "b", "rejected": "b"}')
    refused = rft("preferences", "import", str(bad))
    assert refused.code == 2 and "both answers are the same text" in refused.stderr
    assert rft("sets", "--json").document["pair_sets"] == []
    assert rft("preferences", "export", str(tmp_path / "no" / "x.jsonl")).code == 2
