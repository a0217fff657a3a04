"""An eval from elsewhere, from its file to a run that has trained on it."""

import json
import shutil
from pathlib import Path

import pytest

from rft_core.data import PromptSet
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import get_set
from tests.cli.conftest import Command
from tests.rewards.exchange.evals.eval_cases import CASES
from tests.runs_folder import RunsFolder
from tests.tiny_model import make_tiny_model
from tests.tiny_run import TINY_SETTINGS

TICKETS = (str(CASES / "tickets_eval.json"), "--data", str(CASES / "tickets_run.json"),
           "--data", str(CASES / "tickets_rows.jsonl"))  # fmt: skip
CAPITALS = str(CASES / "capitals.yaml")


def write_config(folder: Path, **assertion: object) -> str:
    first = {"type": "icontains", "value": "{{gold}}"}
    capitals = {"France?": "Paris", "Peru?": "Lima", "Kenya?": "Nairobi"}
    tests = [
        {"vars": {"q": question, "gold": gold}, "assert": [first, assertion]}
        for question, gold in capitals.items()
    ]
    path = folder / "promptfooconfig.yaml"
    path.write_text(json.dumps({"prompts": ["{{q}}"], "tests": tests}))
    return str(path)


@pytest.mark.parametrize("words", [TICKETS, (CAPITALS,)], ids=["openai", "promptfoo"])
def test_an_eval_is_imported_and_trained_on(
    folder: RunsFolder, rft: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    imported = rft("import", *words, "--json").document
    assert (imported["rows"], imported["train"], imported["unsupported"]) == (5, 4, [])
    assert rft("import", *words, "--json").document == imported
    with open_index(folder.path) as index:
        stored = RewardSet.from_json(get_set(index, "rewards", imported["reward_set"]).content)
        prompts = PromptSet.from_json(get_set(index, "prompts", imported["prompt_set"]).content)
    assert [entry["name"] for entry in imported["functions"]] == list(stored.names)
    assert prompts.name == imported["name"]

    model = make_tiny_model(tmp_path / "model")
    both = {name: imported[name] for name in ("prompt_set", "reward_set")}
    chosen = {**TINY_SETTINGS, "max_steps": 1, "model": model, **both}
    settings = [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    trained = rft("train", *settings, "--json")
    assert trained.document["state"] == "finished", trained.stderr
    run = trained.document["run"]
    [*sampled] = rft("generations", run, "--json").document["generations"]
    assert sampled and all(set(one["scores"]) == set(stored.names) for one in sampled)
    assert all(value is not None for one in sampled for value in one["scores"].values())


def test_people_are_told_what_was_made_and_how_to_launch(rft: Command) -> None:
    outcome = rft("import", CAPITALS, "--name", "Cities")
    lines = outcome.stdout.splitlines()
    assert lines[0].endswith(": 4 to train on, 1 for validation")
    assert lines[1].endswith(": form, icontains, brief")
    assert lines[2].startswith("python -m rft_core launch --set task=custom --set prompt_set=")
    assert "'providers' was left out" in outcome.stderr
    assert [row["name"] for row in rft("sets", "--json").document["reward_sets"]] == ["Cities"]


def test_what_cannot_be_imported_is_one_line_and_nothing_is_stored(
    rft: Command, tmp_path: Path
) -> None:
    config = write_config(tmp_path, type="javascript", value="output.length > 3")
    outcome = rft("import", config)
    assert outcome.code == 2 and outcome.stderr.count("\n") == 1 and not outcome.stdout
    assert "tests[0].assert[1].type: 'javascript': it runs JavaScript" in outcome.stderr
    assert "tests[2].assert[1].type" in outcome.stderr and "--partial" in outcome.stderr
    stored = rft("sets", "--json").document
    assert stored["prompt_sets"] == stored["reward_sets"] == []


def test_the_rest_is_imported_where_somebody_says_so(rft: Command, tmp_path: Path) -> None:
    config = write_config(tmp_path, type="similar", value="x")
    outcome = rft("import", config, "--partial", "--json")
    assert outcome.code == 0 and outcome.document["rows"] == 3
    assert [entry["name"] for entry in outcome.document["functions"]] == ["icontains"]
    assert len(outcome.document["unsupported"]) == 3
    assert "tests[1].assert[1].type: 'similar'" in outcome.stderr


def test_how_to_ask_can_be_said(folder: RunsFolder, rft: Command, tmp_path: Path) -> None:
    rows = shutil.copy(CASES / "tickets_rows.jsonl", tmp_path / "rows.jsonl")
    words = ("import", TICKETS[0], "--data", str(rows))
    refused = rft(*words)
    assert refused.code == 2 and "data_source.input_messages" in refused.stderr
    asked = rft(*words, "--partial", "--user", "Label: {{ ticket_text }}", "--system", "Be brief.",
                "--validation", "2", "--json").document  # fmt: skip
    assert asked["validation"] == 2
    with open_index(folder.path) as index:
        prompts = PromptSet.from_json(get_set(index, "prompts", asked["prompt_set"]).content)
    assert prompts.prompts()[0][1]["content"] == "Label: My monitor won't turn on!"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere.json",), "There is no file"),
        ((CAPITALS, "--data", "nowhere.csv"), "There is no file"),
        ((str(CASES / "tickets_rows.jsonl"),), "be read as an eval"),
        ((CAPITALS, "--system", "x"), "no --user"),
        ((CAPITALS, "--user", "{{ nothing }}"), "nothing"),
        ((CAPITALS, "--validation", "9"), "9 validation rows are too many"),
    ],
    ids=str,
)
def test_bad_input_is_one_clear_line(rft: Command, words: tuple[str, ...], told: str) -> None:
    outcome = rft("import", *words)
    assert outcome.code == 2 and told in outcome.stderr and not outcome.stdout
    assert outcome.stderr.splitlines()[-1].count("Traceback") == 0


def test_rewards_import_shows_the_way(rft: Command) -> None:
    outcome = rft("rewards", "import", TICKETS[0])
    assert outcome.code == 2 and "rft_core import tickets_eval.json" in outcome.stderr
