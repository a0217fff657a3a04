import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.paths import PROJECT_ROOT
from rft_core.training.checkpoints import (
    find_damage,
    find_resumable,
    prune_checkpoints,
    remove_leftovers,
    write_checkpoint,
)


def save(folder: Path, step: int) -> Path:
    with write_checkpoint(folder, step) as temporary:
        (temporary / "adapter_model.safetensors").write_bytes(b"weights %d" % step)
        (temporary / "optimizer.pt").write_bytes(b"moments")
    return folder / f"step-{step}"


def test_a_checkpoint_is_resumed_from_and_says_what_it_holds(tmp_path: Path) -> None:
    path = save(tmp_path, 20)
    assert find_resumable(tmp_path).path == path
    manifest = json.loads((path / "manifest.json").read_text())
    assert manifest["step"] == 20
    assert set(manifest["files"]) == {"adapter_model.safetensors", "optimizer.pt"}


def test_without_checkpoints_a_run_starts_at_step_0(tmp_path: Path) -> None:
    found = find_resumable(tmp_path / "nothing")
    assert (found.path, found.step, found.skipped) == (None, 0, ())


def test_the_newest_step_counts_not_the_last_in_the_alphabet(tmp_path: Path) -> None:
    save(tmp_path, 9)
    save(tmp_path, 10)
    assert find_resumable(tmp_path).step == 10


def flip_a_bit(path: Path) -> None:
    data = (path / "optimizer.pt").read_bytes()
    (path / "optimizer.pt").write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip_a_bit, "optimizer.pt is not what was written"),
        (lambda path: (path / "optimizer.pt").unlink(), "optimizer.pt is missing"),
        (lambda path: (path / "manifest.json").write_text("{"), "manifest is missing"),
        (lambda path: (path / "manifest.json").unlink(), "manifest is missing"),
    ],
)
def test_a_damaged_checkpoint_is_skipped_with_a_reason(tmp_path: Path, damage, reason) -> None:
    save(tmp_path, 10)
    damage(save(tmp_path, 20))
    found = find_resumable(tmp_path)
    assert found.step == 10
    assert len(found.skipped) == 1
    assert "step-20" in found.skipped[0]
    assert reason in found.skipped[0]


def test_kill_9_while_saving_leaves_the_older_checkpoint_and_nothing_that_looks_whole(
    tmp_path: Path,
) -> None:
    save(tmp_path, 10)
    script = (
        "import os, pathlib, sys\n"
        "from rft_core.training.checkpoints import write_checkpoint\n"
        "with write_checkpoint(pathlib.Path(sys.argv[1]), 20) as folder:\n"
        "    (folder / 'adapter_model.safetensors').write_bytes(b'half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    killed = subprocess.run(command, cwd=PROJECT_ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert find_resumable(tmp_path).step == 10
    remove_leftovers(tmp_path, after_step=10)
    assert [path.name for path in tmp_path.iterdir()] == ["step-10"]


def test_saving_a_step_again_replaces_a_broken_one(tmp_path: Path) -> None:
    flip_a_bit(save(tmp_path, 20))
    path = save(tmp_path, 20)
    assert find_damage(path) == ""


def test_pruning_keeps_the_newest_whole_and_every_adapter(tmp_path: Path) -> None:
    paths = [save(tmp_path, step) for step in (10, 20, 30, 40)]
    assert prune_checkpoints(tmp_path, keep=2) == [10, 20]
    assert prune_checkpoints(tmp_path, keep=2) == []
    assert all((path / "adapter_model.safetensors").exists() for path in paths)
    assert [(path / "optimizer.pt").exists() for path in paths] == [False, False, True, True]
    assert all(find_damage(path) == "" for path in paths)


def test_a_pruned_checkpoint_is_not_resumed_from(tmp_path: Path) -> None:
    save(tmp_path, 10)
    flip_a_bit(save(tmp_path, 20))
    prune_checkpoints(tmp_path, keep=1)
    assert find_resumable(tmp_path).path is None
