"""Prompt sets by commands alone: import, list, show, and a run that is launched with one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rft_core.store.index import open_index
from rft_core.store.runs import list_runs
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder

SYSTEM = {"role": "system", "content": "Think first."}
ROWS = [
    {
        "prompt": [SYSTEM, {"role": "user", "content": f"How many are 2 boxes of {number}?"}],
        "reward_model": {"ground_truth": str(2 * number)},
        "note": {"text": "n", "wrong": "x"},
    }
    for number in range(20)
]


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(rows: Sequence[Any], name: str = "chats.jsonl") -> str:
        path = tmp_path / name
        path.write_text("\n".join(map(json.dumps, rows)))
        return str(path)

    return write


def test_a_file_of_chats_becomes_a_set_that_is_listed_shown_and_launched_with(
    rft: Command, folder: RunsFolder, write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    file = write([*ROWS, {"prompt": [SYSTEM], "reward_model": {"ground_truth": "1"}}])
    words = ("--task", "gsm8k", "--name", "boxes", "--validation", "0.1", "--json")
    made = rft("prompts", "import", file, *words)
    assert made.code == 0, made.stderr
    document = made.document
    assert (document["rows"], document["train"], document["validation"]) == (20, 18, 2)
    assert document["unscorable"] == 0
    [left_out] = document["left_out"]
    assert left_out.startswith("Row 21: its chat has no turn of a user")

    [listed] = rft("prompts", "list", "--json").document["prompt_sets"]
    assert (listed["id"], listed["name"]) == (document["prompt_set"], "boxes")
    assert document["prompt_set"] in rft("prompts", "list").stdout
    shown = rft("prompts", "show", document["prompt_set"], "--json").document
    assert len(shown["prompts"]) == 20 and shown["columns"]["answer"] == "reward_model.ground_truth"
    first = shown["prompts"][0]
    assert first["messages"][0] == SYSTEM and first["row"]["answer"] == "0"
    assert first["messages"][1]["content"].startswith("How many are 2 boxes of 0?\nShow your work")
    lines = rft("prompts", "show", document["prompt_set"], "--limit", "1").stdout
    assert "system: Think first.\nuser: How many are 2 boxes of 0?" in lines
    assert "boxes of 1?" not in lines

    chosen = f"prompt_set={document['prompt_set']}"
    launched = rft("launch", "--task", "gsm8k", "--set", chosen, "--json")
    assert launched.code == 0, launched.stderr
    with open_index(folder.path) as index:
        [run] = list_runs(index)
    assert run.config.prompt_set == document["prompt_set"]


def test_columns_templates_and_the_split_can_be_said(rft: Command, write: Any) -> None:
    words = ("--map", "answer=note.text", "--user", "{{ messages }}", "--system", "Be brief.")
    made = rft("prompts", "import", write(ROWS), "--task", "gsm8k", *words, "--validation", "3")
    assert made.code == 0 and made.stdout.strip() and "answer from 'note.text'" in made.stderr
    shown = rft("prompts", "show", made.stdout.strip(), "--json").document
    assert (shown["validation"], shown["prompts"][0]["row"]["answer"]) == (3, "n")
    assert [message["content"] for message in shown["prompts"][0]["messages"]] == [
        "Be brief.\n\nThink first.",
        "How many are 2 boxes of 0?",
    ]
    again = rft("prompts", "import", write(ROWS), "--task", "gsm8k", *words, "--validation", "3")
    assert again.stdout == made.stdout


def test_a_custom_set_asks_the_chats_as_they_are(rft: Command, write: Any) -> None:
    made = rft("prompts", "import", write(ROWS), "--task", "custom", "--json").document
    shown = rft("prompts", "show", made["prompt_set"], "--json", "--limit", "1").document
    assert [prompt["messages"] for prompt in shown["prompts"]] == [ROWS[0]["prompt"]]
    assert shown["task"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--task", "nope"), "There is no task named 'nope'"),
        (("--task", "gsm8k", "--map", "gold=note.text"), "The task has question, answer"),
        (("--task", "gsm8k", "--map", "answer"), "Write FIELD=COLUMN"),
        (("--task", "gsm8k", "--map", "answer=note.nope"), "which does not exist"),
        (("--task", "gsm8k", "--validation", "-1"), "A validation size of -1 is not possible"),
        (("--task", "gsm8k", "--user", "{{ nope }}"), "'nope' is undefined"),
        (("--task", "mathqa"), "--task mathqa --map options=COLUMN"),
        ((), "Missing option '--task'"),
    ],
)
def test_what_cannot_be_imported_stores_nothing(
    rft: Command, write: Any, words: Sequence[str], message: str
) -> None:
    outcome = rft("prompts", "import", write(ROWS), *words)
    assert outcome.code == 2 and message in outcome.stderr
    assert rft("prompts", "list", "--json").document == {"prompt_sets": []}


def test_chats_that_hold_more_than_texts_are_refused_with_the_way(rft: Command, write: Any) -> None:
    rows = [{"messages": [{"role": "user", "content": [{"type": "image_url"}]}], "answer": "1"}]
    outcome = rft("prompts", "import", write(rows), "--task", "gsm8k")
    assert outcome.code == 2 and "holds 'image_url', not only text" in outcome.stderr
    assert "Write turns of system, user and assistant as texts" in outcome.stderr
    assert rft("prompts", "show", "nope").code == 2
    assert rft("prompts", "import", "/nowhere.jsonl", "--task", "gsm8k").code == 2


def test_rows_that_nothing_can_score_are_counted_and_named(rft: Command, write: Any) -> None:
    rows = [{"question": f"{n}?", "answer": "eighteen" if n < 3 else str(n)} for n in range(12)]
    made = rft("prompts", "import", write(rows), "--task", "gsm8k", "--json").document
    assert (made["rows"], made["unscorable"]) == (12, 3)
    said = rft("prompts", "import", write(rows), "--task", "gsm8k").stderr
    assert "3 of 12 rows cannot be scored by 'correctness'" in said
