"""dry-run with the real embedded model: the forecast, the verdict, the prompts that are kept."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.data import PromptSet
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.index import open_index
from rft_core.store.sets import get_set
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.tiny_model import CHAT_TEMPLATE, make_tiny_model


@pytest.fixture(autouse=True)
def _service(folder: RunsFolder) -> Iterator[None]:
    yield
    GenerationClient(folder.path).stop()


def read_prompts(folder: RunsFolder, id: str) -> PromptSet:
    with open_index(folder.path) as index:
        return PromptSet.from_json(get_set(index, "prompts", id).content)


def test_the_first_step_is_predicted_and_the_prompts_in_between_are_kept(
    rft: Command, folder: RunsFolder
) -> None:
    words = ["dry-run", "countdown", "--prompts", "6", "--completions", "4", "--json"]
    document = rft(*words, "--keep", "mine").document
    forecast = document["forecast"]
    assert (forecast["prompts"], forecast["num_generations"]) == (16, 4)
    assert forecast["predictions"].keys() >= {
        "reward", "rewards/format/mean", "rewards/equation/mean", "frac_reward_zero_std",
        "completions/clipped_ratio", "completions/mean_length",
    }  # fmt: skip
    for prediction in forecast["predictions"].values():
        assert prediction["low"] <= prediction["expected"] <= prediction["high"]
    seconds = forecast["seconds"]
    assert seconds["sampling"] > 0 and seconds["total"] > seconds["update"] > 0
    assert 0 <= document["unparsable"] <= 1
    rates = document["pass_rates"]
    assert rates["function"] == "equation" and len(rates["rates"]) == 6
    kept = read_prompts(folder, document["kept"]["prompt_set"])
    between = [document["groups"][index]["row"] for index in rates["between"]]
    assert list(kept.train_rows) == between and len(kept.validation_rows) == 64

    again = rft(*words, "--set", f"prompt_set={kept.id}").document
    assert [group["row"] for group in again["groups"]] == between


def test_solved_says_what_counts_as_right(rft: Command) -> None:
    words = ["dry-run", "countdown", "--prompts", "2", "--completions", "2", "--json"]
    rates = rft(*words, "--solved", "reward=0").document["pass_rates"]
    assert rates["rates"] == [1, 1] and rates["function"] == "reward"
    nothing_left = rft(*words, "--solved", "reward=0", "--keep", "none")
    assert nothing_left.code == 2 and "No prompt would be left" in nothing_left.stderr
    wrong = rft(*words, "--solved", "speed=1")
    assert wrong.code == 2 and "format, equation, reward" in wrong.stderr


def test_people_read_a_table_with_intervals_and_a_verdict_with_cause_and_fix(
    rft: Command, tmp_path: Path
) -> None:
    rewards = tmp_path / "mine.py"
    rewards.write_text("def same(completions, **columns):\n    return [1.0] * len(completions)\n")
    words = ["dry-run", "countdown", "--prompts", "2", "--completions", "4"]
    constant = rft(*words, "--rewards", str(rewards))
    assert constant.code == 1
    assert "→ Choose harder prompts" in constant.stdout
    short = rft(*words, "--set", "max_completion_length=4").stdout
    assert "100% of the completions were cut off at 4 tokens" in short
    assert "→ Raise max_completion_length to 10." in short
    assert "first step" in short and "groups with a gradient" in short


def test_what_a_function_logs_of_each_completion_is_in_the_document(
    rft: Command, tmp_path: Path
) -> None:
    rewards = tmp_path / "mine.py"
    rewards.write_text(
        "def talker(completions, log_extra):\n"
        "    log_extra('letters', [len(text) for text in completions])\n"
        "    return [1.0] * len(completions)\n"
    )
    words = ["dry-run", "countdown", "--prompts", "2", "--completions", "2", "--json"]
    groups = rft(*words, "--rewards", str(rewards)).document["groups"]
    for one in [completion for group in groups for completion in group["completions"]]:
        assert one["extras"] == {"talker": {"letters": str(len(one["completion"]))}}


@pytest.mark.parametrize("opens", [True, False])
def test_a_chat_template_that_opens_the_thought_is_said(
    rft: Command, tmp_path: Path, opens: bool
) -> None:
    template = CHAT_TEMPLATE + ("<think>" if opens else "")
    model = make_tiny_model(tmp_path / "thinker", chat_template=template)
    words = ["dry-run", "countdown", "--prompts", "1", "--completions", "2", "--json"]
    more = ["--model", str(model), "--set", "max_completion_length=8"]
    kinds = {warning["kind"] for warning in rft(*words, *more).document["warnings"]}
    assert ("template_opens_think" in kinds) == opens


def test_a_function_called_like_a_column_has_one_of_its_own(rft: Command, tmp_path: Path) -> None:
    source = tmp_path / "rewards.py"
    source.write_text("def reward(completions, **k): return [0.25 for _ in completions]\n")
    words = ["dry-run", "countdown", "--prompts", "1", "--completions", "2"]
    heads = rft(*words, "--rewards", str(source)).stdout.splitlines()[1]
    assert heads.split() == ["reward", "(function)", "reward", "advantage", "completion"]


def test_a_file_of_chats_is_tried_turn_by_turn(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    file = tmp_path / "chats.jsonl"
    chat = [{"role": "system", "content": "Think."}, {"role": "user", "content": "Reach it."}]
    rows = [{"nums": [3, 4, n], "target": n, "messages": chat} for n in range(5, 15)]
    file.write_text("\n".join(map(json.dumps, rows)))
    words = ["dry-run", "countdown", "--prompts", "2", "--completions", "2", "--json"]
    document = rft(*words, "--prompts-file", str(file)).document
    tried = document["groups"][0]["row"]
    assert tried["messages"] == chat and tried["target"] in range(5, 15)
    missing = rft(*words, "--prompts-file", str(tmp_path / "nothing.csv"))
    assert missing.code == 2 and "'nothing.csv' cannot be opened" in missing.stderr
