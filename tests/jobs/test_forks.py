"""A fork begins with what its parent was when it was made, whatever becomes of the parent."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from rft_core.errors import BadInputError
from rft_core.jobs.launcher import delete, fork
from rft_core.paths import get_checkpoint_dir, get_run_dir, get_supervisor_lock_path
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.store.state.run_lock import FileLock
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process

ADAPTER = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def trained(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder with a run `parent` of four steps."""
    runs_dir = tmp_path_factory.mktemp("trained") / "runs"
    add_tiny_run(runs_dir, model, "parent")
    assert live_in_process(runs_dir, "parent").outcome == "finished"
    return runs_dir


@pytest.fixture
def runs_dir(trained: Path, tmp_path: Path) -> Iterator[Path]:
    shutil.copytree(trained, tmp_path / "runs")
    lock = FileLock(get_supervisor_lock_path(tmp_path / "runs"))  # nothing starts by itself
    lock.acquire()
    yield tmp_path / "runs"
    lock.release()


def read_validation(runs_dir: Path, run: str, step: int) -> pd.Series:
    with open_run(runs_dir, run) as db:
        frame = metrics_frame(db)
    chosen = frame[(frame["split"] == "validation") & (frame["step"] == step)]
    return chosen.set_index("name")["value"].dropna()


def delete_parent(runs_dir: Path, model: Path) -> None:
    delete(runs_dir, "parent")
    assert not get_run_dir(runs_dir, "parent").exists()


def train_parent_anew(runs_dir: Path, model: Path) -> None:
    """Its checkpoint at that step is another one, and whole."""
    checkpoint = get_checkpoint_dir(runs_dir, "parent", 2)
    other = make_tiny_adapter(model, runs_dir.parent / "other") / ADAPTER
    assert other.read_bytes() != (checkpoint / ADAPTER).read_bytes()
    shutil.copyfile(other, checkpoint / ADAPTER)


def lose_checkpoint(runs_dir: Path, model: Path) -> None:
    shutil.rmtree(get_checkpoint_dir(runs_dir, "parent", 2))


@pytest.mark.parametrize("change", [delete_parent, train_parent_anew, lose_checkpoint])
def test_a_fork_begins_with_what_its_parent_was(
    runs_dir: Path, model: Path, change: Callable[[Path, Path], None]
) -> None:
    before = read_validation(runs_dir, "parent", 2)
    assert not before.equals(read_validation(runs_dir, "parent", 0))
    child = fork(runs_dir, "parent", step=2, changes={"max_steps": 1})
    change(runs_dir, model)
    assert live_in_process(runs_dir, child).outcome == "finished"
    after = read_validation(runs_dir, child, 0)  # the same policy, samples and prompts
    pd.testing.assert_series_equal(before, after, check_names=False)


@pytest.mark.parametrize("damage", [ADAPTER, "manifest.json"])
def test_a_checkpoint_that_is_damaged_gives_no_fork_and_leaves_nothing(
    runs_dir: Path, damage: str
) -> None:
    file = get_checkpoint_dir(runs_dir, "parent", 2) / damage
    file.write_bytes(file.read_bytes()[:-9] + b"otherwise")
    folders = sorted(runs_dir.iterdir())
    with pytest.raises(BadInputError, match="at step 2 cannot be used"):
        fork(runs_dir, "parent", step=2)
    assert sorted(runs_dir.iterdir()) == folders
    with open_index(runs_dir) as index:
        assert list_commands(index) == []
