"""Exports of a run with a random tiny model: files, card, proof, and what is refused."""

import errno
import hashlib
import json
import re
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError, NotFoundError, RftError
from rft_core.export import export_run
from rft_core.export.model_card import make_model_card
from rft_core.paths import get_adapter_dir, get_checkpoint_dir, get_run_dir
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.adapters import StoredAdapter, get_adapter
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.runs import RunRow
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def runs_dir(tmp_path: Path, model: Path) -> Path:
    """A run with an adapter at step 2 and validations at steps 0 and 2."""
    torch.set_num_threads(1)
    runs_dir = tmp_path / "runs"
    add_tiny_run(runs_dir, model)
    make_tiny_adapter(model, get_checkpoint_dir(runs_dir, "tiny", 2))
    with closing(RunWriter(runs_dir, "tiny")) as writer:
        writer.start_attempt(from_step=0, pid=1)
        asked = [PromptRecord(i, {}, [], "") for i in range(3)]
        for step in (0, 2):
            generations = [
                GenerationRecord(i, 0, i, "text", 1, False, step / 2, 0.0, {"short": 1.0}, {})
                for i in range(3)
            ]
            metrics = {"reward": step / 2, "rewards/short/mean": 0.5, "reward_std": 0.1}
            writer.record_step(
                StepRecord(step, "validation", metrics, generations, asked), max_steps=2
            )
        writer.add_checkpoint(step=2, resumable=False)
    return runs_dir


def test_a_runs_folder_that_was_moved_keeps_its_adapters(runs_dir: Path, tmp_path: Path) -> None:
    moved = runs_dir.rename(tmp_path / "moved")
    adapter = get_adapter(moved, "tiny", step=2)
    assert (adapter.path / "adapter_config.json").is_file()


def test_an_adapter_is_exported_with_card_config_and_hashes(runs_dir: Path, tmp_path: Path) -> None:
    to = tmp_path / "deep" / "out"
    result = export_run(runs_dir, "tiny", to)
    assert result.kind == "adapter" and result.step == 2
    source = get_checkpoint_dir(runs_dir, "tiny", 2)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        assert (to / name).read_bytes() == (source / name).read_bytes()
    manifest = json.loads((to / "manifest.json").read_text())
    assert (manifest["run"], manifest["kind"]) == ("tiny", "adapter")
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((to / name).read_bytes()).hexdigest() == digest
    assert set(result.files) == {*manifest["files"], "manifest.json"}
    assert "target_modules" in (to / "config.yaml").read_text()
    assert [path.name for path in to.parent.iterdir()] == ["out"]  # no temporary folder is left


def test_the_card_says_what_was_rewarded_and_what_changed(runs_dir: Path, tmp_path: Path) -> None:
    export_run(runs_dir, "tiny", tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "- `letter`, weight 0.5" in card
    assert "| reward | 0.000 | 1.000 |" in card and "reward_std" not in card
    assert "over 3 validation prompts: +1.000" in card and "p = " in card


@pytest.mark.parametrize(
    ("settings", "by", "tags"),
    [
        (
            {"stages": "sft 4; grpo 6"},
            "SFT, then GRPO",
            ["reinforcement-fine-tuning", "sft", "grpo"],
        ),
        ({"method": "sft", "gold_column": "a"}, "SFT", ["sft"]),
    ],
)
def test_the_card_names_the_method_of_every_stage(
    runs_dir: Path, tmp_path: Path, settings: dict[str, Any], by: str, tags: list[str]
) -> None:
    run = RunRow("tiny", "Named", make_config(settings), 0.0, None, None)
    card = make_model_card(runs_dir, run, StoredAdapter("tiny", 2, tmp_path), None, {})
    assert f" by {by} with LoRA" in card
    assert "## Rewarded for\n\nNothing: it learned from given completions.\n" in card
    assert yaml.safe_load(card.split("---")[1])["tags"] == [*tags, "lora"]


def test_the_card_reads_nothing_into_what_people_wrote(runs_dir: Path, tmp_path: Path) -> None:
    name = "# [me](http://x) <script>alert(1)</script>\n---\n| `a` |"
    adapter = StoredAdapter("tiny", 2, tmp_path)
    config = RunConfig(model='odd: "model" `x`', name=name)
    run = RunRow("tiny", name, config, 0.0, None, None)
    rewards = RewardSet((RewardEntry("a`b|c", "length"),))
    card = make_model_card(runs_dir, run, adapter, rewards, {})
    front, body = card.removeprefix("---\n").split("\n---\n", 1)
    assert yaml.safe_load(front)["base_model"] == config.model
    [title] = [line for line in body.splitlines() if line.startswith("# ")]
    assert "\\[me\\]" in title and "\\<script\\>" in title and "\\`a\\`" in title
    assert "- `a'b|c`, weight 1" in body
    outside_code = re.sub(r"`[^`\n]*`", "", re.sub(r"```.*?```", "", body, flags=re.DOTALL))
    assert not re.search(r"(?<!\\)<", outside_code)


@pytest.mark.parametrize("to", ["/proc/none/out", "/dev/null/out", "/" + "x" * 300])
def test_a_folder_that_cannot_be_made_is_bad_input(runs_dir: Path, to: str) -> None:
    with pytest.raises(BadInputError, match="Nothing can be written to"):
        export_run(runs_dir, "tiny", Path(to))


def test_a_disk_that_fills_up_is_named_and_leaves_nothing(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fill_up)
    with pytest.raises(RftError, match="No space left"):
        export_run(runs_dir, "tiny", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_merged_model_is_proved_and_loads_alone(
    runs_dir: Path, tmp_path: Path, model: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    result = export_run(runs_dir, "tiny", tmp_path / "out", merged=True)
    assert capfd.readouterr() == ("", "")  # no progress bars of any library
    assert result.proof["changed_tensors"] > 0
    assert result.proof["answers_equal"] == result.proof["answers_compared"] == 8  # all there are
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "out").state_dict()
    base = AutoModelForCausalLM.from_pretrained(model).state_dict()
    assert loaded.keys() == base.keys()
    assert any(not torch.equal(loaded[name], base[name]) for name in base)
    assert AutoTokenizer.from_pretrained(tmp_path / "out").chat_template
    assert "Merged:" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize("dtype", ["bfloat16", "auto"])
def test_a_merged_model_is_saved_in_the_runs_precision_and_proved_as_saved(
    tmp_path: Path, model: Path, dtype: str
) -> None:
    from transformers import AutoModelForCausalLM

    halved = tmp_path / "bfloat16-model"
    shutil.copytree(model, halved)
    AutoModelForCausalLM.from_pretrained(model, dtype="bfloat16").save_pretrained(halved)
    runs_dir = tmp_path / "runs"
    add_tiny_run(runs_dir, halved, dtype=dtype)
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"))
    result = export_run(runs_dir, "tiny", tmp_path / "out", merged=True)
    saved = AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype="auto")
    assert saved.dtype == torch.bfloat16
    assert result.proof["dtype"] == "bfloat16"
    assert 0 < result.proof["difference"] < 0.5 * result.proof["difference_of_base"]
    assert "saved in bfloat16" in (tmp_path / "out" / "README.md").read_text()


def test_a_merge_whose_rounding_undoes_the_training_is_refused(tmp_path: Path, model: Path) -> None:
    from safetensors.torch import load_file, save_file

    runs_dir = tmp_path / "runs"
    add_tiny_run(runs_dir, model, dtype="bfloat16")
    folder = make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"))
    path = folder / "adapter_model.safetensors"
    faint = {n: w * 1e-3 if "lora_B" in n else w for n, w in load_file(path).items()}
    save_file(faint, path)
    with pytest.raises(RftError, match="loses what training changed"):
        export_run(runs_dir, "tiny", tmp_path / "out", merged=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_adapter_that_is_no_number_is_refused(
    runs_dir: Path, tmp_path: Path, merged: bool, value: float
) -> None:
    from safetensors.torch import load_file, save_file

    path = get_checkpoint_dir(runs_dir, "tiny", 2) / "adapter_model.safetensors"
    weights = load_file(path)
    next(iter(weights.values()))[0, 0] = value
    save_file(weights, path)
    with pytest.raises(RftError, match="no numbers"):
        export_run(runs_dir, "tiny", tmp_path / "out", merged=merged)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_merge_that_changes_nothing_is_refused(runs_dir: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = get_checkpoint_dir(runs_dir, "tiny", 2) / "adapter_model.safetensors"
    save_file({name: torch.zeros_like(w) for name, w in load_file(path).items()}, path)
    with pytest.raises(RftError, match="equals the base"):
        export_run(runs_dir, "tiny", tmp_path / "out", merged=True)
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_the_finished_adapter_is_preferred_and_a_step_can_be_chosen(
    runs_dir: Path, tmp_path: Path, model: Path
) -> None:
    make_tiny_adapter(model, get_adapter_dir(runs_dir, "tiny"), seed=5)
    assert export_run(runs_dir, "tiny", tmp_path / "a").step is None
    assert export_run(runs_dir, "tiny", tmp_path / "b", step=2).step == 2
    with pytest.raises(NotFoundError, match="It has: finished, step 2"):
        export_run(runs_dir, "tiny", tmp_path / "c", step=9)


def test_a_folder_that_holds_something_is_not_touched(runs_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export_run(runs_dir, "tiny", tmp_path / "out")  # an empty one will do
    with pytest.raises(BadInputError, match="is not empty"):
        export_run(runs_dir, "tiny", tmp_path / "out")


def test_a_run_without_an_adapter_says_so(runs_dir: Path, tmp_path: Path, model: Path) -> None:
    add_tiny_run(runs_dir, model, "fresh")
    with pytest.raises(NotFoundError, match="no adapter yet"):
        export_run(runs_dir, "fresh", tmp_path / "out")
    assert not get_run_dir(runs_dir, "fresh").exists()
