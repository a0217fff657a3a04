"""The command ask, with a tiny model, a random adapter and the real generation service."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.data.prompt_set import make_prompt_set
from rft_core.data.split import Split
from rft_core.data.template import PromptTemplate
from rft_core.paths import get_adapter_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.service.client import GenerationClient
from rft_core.sampling.service.messages import SamplingParams
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run

ROW = {"word": "tea", "wanted": "e"}
TEMPLATE = PromptTemplate(system="", user="Say {{ word }}")
REWARDS = RewardSet(
    (RewardEntry("letter", "regex", 1.0, {"pattern": "[a-m]"}),), "letters", truth=("letter",)
)


@pytest.fixture
def tuned(folder: RunsFolder, tmp_path: Path) -> Iterator[str]:
    """A run of a tiny model on rows with a column `word`, finished with a random adapter."""
    model = make_tiny_model(tmp_path / "model")
    prompts = make_prompt_set(
        [ROW, {"word": "cup", "wanted": "u"}], name="words", template=TEMPLATE,
        split=Split((0,), (1,), seed=0),
    )  # fmt: skip
    add_tiny_run(folder.path, model, "tuned", prompts=prompts, rewards=REWARDS)
    make_tiny_adapter(model, get_adapter_dir(folder.path, "tuned"))
    yield "tuned"
    GenerationClient(folder.path).stop()


def test_each_seed_is_answered_and_scored_as_anywhere_else(
    rft: Command, folder: RunsFolder, tuned: str, tmp_path: Path
) -> None:
    words = ("ask", tuned, "--row", json.dumps(ROW), "--n", "6", "--seed", "3")
    base, other = rft(*words, "--json").document["models"]
    assert [base["model"], other["model"]] == ["base", "tuned"]
    for model in (base, other):
        assert [answer["seed"] for answer in model["answers"]] == [3, 4, 5, 6, 7, 8]
        for answer in model["answers"]:
            has_letter = any(letter in answer["completion"] for letter in "abcdefghijklm")
            assert answer["right"] is has_letter and answer["reward"] == float(has_letter)
        assert model["right"] == sum(answer["right"] for answer in model["answers"])
    assert [a["completion"] for a in base["answers"]] != [a["completion"] for a in other["answers"]]

    shown = rft(*words).stdout
    assert shown.count("seed ") == 12
    assert shown.endswith(f"base {base['right']} of 6, tuned {other['right']} of 6\n")

    params = SamplingParams(max_completion_length=6, seed=4)
    [[alone]] = GenerationClient(folder.path).sample(
        str(tmp_path / "model"), [TEMPLATE.render(ROW)], 1, params
    )
    assert alone.text == base["answers"][1]["completion"]


def test_free_text_is_answered_and_not_scored(rft: Command, tuned: str) -> None:
    words = ("ask", tuned, "--text", "Say tea", "--n", "2", "--temperature", "0")
    document = rft(*words, "--max-completion-length", "3", "--json").document
    flat = document["answers"]
    assert [answer["model"] for answer in flat] == ["base", "base", tuned, tuned]
    assert {"completion", "scores", "reward", "flags"} <= flat[0].keys()
    for model in document["models"]:
        assert model["right"] is None
        one, other = model["answers"]
        assert one["completion"] == other["completion"] and one["right"] is None
    shown = rft(*words).stdout
    assert "right" not in shown and "wrong" not in shown and " of " not in shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "There is not one question"),
        (("--row", "{}", "--text", "a"), "There is not one question"),
        (("--row", "{word"), "is not JSON"),
        (("--row", "[1]"), "is not an object"),
        (("--row", '{"wort": 1}'), "'word'"),
        (("--text", "a", "--checkpoint", "7"), "has no adapter of step 7. It has: finished"),
        (("--text", "a", "--n", "0"), "--n"),
    ],
)
def test_a_bad_question_is_one_line_and_asks_nobody(
    rft: Command, folder: RunsFolder, tuned: str, words: tuple[str, ...], message: str
) -> None:
    outcome = rft("ask", tuned, *words)
    assert outcome.code == 2 and outcome.stdout == ""
    assert message in outcome.stderr and outcome.stderr.count("\n") == 1
    assert GenerationClient(folder.path).status() is None


def test_a_run_without_an_adapter_has_nothing_to_compare(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    add_tiny_run(folder.path, tmp_path / "model", "young")
    outcome = rft("ask", "young", "--text", "a")
    assert outcome.code == 2 and "has no adapter yet" in outcome.stderr
