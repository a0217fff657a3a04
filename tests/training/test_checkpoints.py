import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rft_core.errors import DiskFullError
from rft_core.paths import PROJECT_ROOT
from rft_core.training.saving.checkpoints import (
    CheckpointUnreadableError,
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


def put_a_folder_in_place(path: Path) -> None:
    (path / "optimizer.pt").unlink()
    (path / "optimizer.pt").mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (flip_a_bit, "optimizer.pt is not what was written"),
        (lambda path: (path / "optimizer.pt").unlink(), "optimizer.pt is missing"),
        (lambda path: (path / "manifest.json").write_text("{"), "manifest is missing"),
        (lambda path: (path / "manifest.json").write_text("[]"), "manifest is missing"),
        (lambda path: (path / "manifest.json").write_text('{"files": 3}'), "manifest is missing"),
        (lambda path: (path / "manifest.json").write_bytes(b"\xff\x00"), "manifest is missing"),
        (lambda path: (path / "manifest.json").unlink(), "manifest is missing"),
        (put_a_folder_in_place, "optimizer.pt is missing"),
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
        "from rft_core.training.saving.checkpoints import write_checkpoint\n"
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


TRANSIENT = [errno.EIO, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.ESTALE, errno.ENOMEM]


@pytest.mark.parametrize("number", TRANSIENT)
@pytest.mark.parametrize("what", ["optimizer.pt", "manifest.json"])
def test_an_error_of_reading_that_may_pass_ends_the_attempt_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, what: str
) -> None:
    for step in (10, 20):
        save(tmp_path, step)
    before = sorted(tmp_path.rglob("*"))
    real = Path.open

    def fail(path: Path, *args: object, **how: object) -> object:
        if path.name == what and path.parent.name == "step-20":
            raise OSError(number, os.strerror(number), str(path))
        return real(path, *args, **how)  # type: ignore[call-overload]

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", fail)
        with pytest.raises(CheckpointUnreadableError, match=r"step-20.*left as it is") as caught:
            find_resumable(tmp_path)
    assert os.strerror(number) in caught.value.why
    assert sorted(tmp_path.rglob("*")) == before
    assert find_resumable(tmp_path).step == 20


def test_too_many_open_files_are_no_damage(tmp_path: Path) -> None:
    """The real thing: a process that has no descriptor left."""
    save(tmp_path, 10)
    script = (
        "import os, pathlib, resource, sys\n"
        "from rft_core.training.saving.checkpoints import find_resumable\n"
        "from rft_core.training.saving.checkpoints import CheckpointUnreadableError\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))\n"
        "try:\n"
        "    while True: os.open('/dev/null', os.O_RDONLY)\n"
        "except OSError: pass\n"
        "try:\n"
        "    found = find_resumable(pathlib.Path(sys.argv[1]))\n"
        "except CheckpointUnreadableError as error: found = error\n"
        "os.write(1, repr(found).encode())\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    said = subprocess.run(command, cwd=PROJECT_ROOT, check=False, capture_output=True, text=True)
    assert "Too many open files" in said.stdout


def test_what_is_later_than_where_a_run_goes_on_is_set_aside(tmp_path: Path) -> None:
    for step in (10, 20, 30):
        save(tmp_path, step)
    flip_a_bit(tmp_path / "step-30")
    flip_a_bit(tmp_path / "step-20")
    for _ in range(2):  # and once more, when the same happens again
        found = find_resumable(tmp_path)
        assert found.step == 10
        remove_leftovers(tmp_path, after_step=found.step)
        flip_a_bit(save(tmp_path, 20))
    remove_leftovers(tmp_path, after_step=10)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == [
        "aside-step-20-1", "aside-step-20-2", "aside-step-20-3", "aside-step-30-1", "step-10",
    ]  # fmt: skip
    assert (tmp_path / "aside-step-30-1" / "adapter_model.safetensors").exists()


def test_a_checkpoint_that_is_newer_than_the_record_is_not_resumed_from(tmp_path: Path) -> None:
    for step in (4, 8):
        save(tmp_path, step)
    found = find_resumable(tmp_path, recorded=6)
    assert found.step == 4
    assert "step-8 cannot be used: the steps after 6 are not recorded" in found.skipped[0]
    assert find_resumable(tmp_path, recorded=8).step == 8
    assert find_resumable(tmp_path, recorded=0).path is None


class SerializationError(Exception):
    """As safetensors has one: not an OSError."""


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SerializationError("Error while serializing: I/O error: No space left on device (os 28)"),
    ],
)
def test_a_disk_that_fills_while_saving_is_named(tmp_path: Path, error: Exception) -> None:
    path = save(tmp_path, 10)
    expected = pytest.raises(DiskFullError, match="step-20")
    with expected as caught, write_checkpoint(tmp_path, 20) as temporary:
        (temporary / "optimizer.pt").write_bytes(b"half")
        raise error
    assert caught.value.__cause__ is error and "are free" in caught.value.why
    assert [p.name for p in tmp_path.iterdir()] == ["step-10"]
    assert find_damage(path) == ""


def test_room_is_looked_for_before_a_checkpoint_is_written(tmp_path: Path) -> None:
    path = save(tmp_path, 10)
    with (path / "optimizer.pt").open("r+b") as file:
        file.truncate(1 << 43)  # sparse: it takes no room itself
    with pytest.raises(DiskFullError, match="MB are needed"), write_checkpoint(tmp_path, 20):
        pytest.fail("it began")


def test_another_error_while_saving_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), write_checkpoint(tmp_path, 20):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
