"""Which adapters a run has to offer: one per checkpoint, and the finished one.

An adapter with a score head beside it is a reward model: it judges answers and writes none, so it
is never offered where a policy is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import NotFoundError, UnreadableRunError
from rft_core.paths import (
    SCORE_HEAD_FILE,
    get_adapter_dir,
    get_checkpoint_dir,
    get_checkpoints_dir,
    name_checkpoint,
)
from rft_core.store.run_reader import list_checkpoints, open_run


@dataclass(frozen=True)
class StoredAdapter:
    """`step` None: the adapter with which the run finished."""

    run_id: str
    step: int | None
    path: Path

    @property
    def label(self) -> str:
        return "finished" if self.step is None else f"step {self.step}"

    @property
    def is_reward_model(self) -> bool:
        return (self.path / SCORE_HEAD_FILE).is_file()


def list_adapters(runs_dir: Path, run_id: str) -> list[StoredAdapter]:
    """The policies, newest first; the finished adapter, where there is one, leads."""
    return [one for one in _list_all(runs_dir, run_id) if not one.is_reward_model]


def has_adapter(runs_dir: Path, run_id: str) -> bool:
    """Whether there is one at all, told from the files alone: for lists of many runs."""
    checkpoints = get_checkpoints_dir(runs_dir, run_id)
    folders = [get_adapter_dir(runs_dir, run_id), *checkpoints.glob(name_checkpoint("*"))]
    return any((folder / "adapter_config.json").is_file() for folder in folders)


def _list_all(runs_dir: Path, run_id: str) -> list[StoredAdapter]:
    found: list[StoredAdapter] = []
    finished = get_adapter_dir(runs_dir, run_id)
    if (finished / "adapter_config.json").exists():
        found.append(StoredAdapter(run_id, None, finished))
    for step in reversed(_list_steps(runs_dir, run_id)):
        found.append(StoredAdapter(run_id, step, get_checkpoint_dir(runs_dir, run_id, step)))
    return found


def _list_steps(runs_dir: Path, run_id: str) -> list[int]:
    """The steps that have a checkpoint; of a run that cannot be read, those that lie there."""
    try:
        with open_run(runs_dir, run_id) as db:
            return [checkpoint.step for checkpoint in list_checkpoints(db)]
    except NotFoundError:
        return []
    except UnreadableRunError:
        folders = get_checkpoints_dir(runs_dir, run_id).glob(
            f"{name_checkpoint('*')}/adapter_config.json"
        )
        numbers = [path.parent.name.removeprefix(name_checkpoint("")) for path in folders]
        return sorted(int(number) for number in numbers if number.isdecimal())


def get_adapter(runs_dir: Path, run_id: str, step: int | None = None) -> StoredAdapter:
    """The newest, or the one of a step. Raises `NotFoundError` where there is none."""
    adapters = list_adapters(runs_dir, run_id)
    if not adapters and _list_all(runs_dir, run_id):
        raise NotFoundError(
            f"Run '{run_id}' has no policy",
            "What it has trained is a reward model, which judges answers and writes none",
            "Use it as a reward, or choose another run",
        )
    if not adapters:
        raise NotFoundError(
            f"Run '{run_id}' has no adapter yet",
            "The first one is saved with its first checkpoint",
            "Wait for that while it trains; if it has ended, resume it or choose another run",
        )
    for adapter in adapters:
        if step in (None, adapter.step):
            return adapter
    known = ", ".join(adapter.label for adapter in adapters)
    raise NotFoundError(
        f"Run '{run_id}' has no adapter of step {step}", f"It has: {known}", "Choose one of these"
    )


def get_reward_model(runs_dir: Path, run_id: str, step: int | None = None) -> StoredAdapter:
    """Of that step, or the newest, with its step. Raises `NotFoundError` where there is none."""
    models = [a for a in _list_all(runs_dir, run_id) if a.is_reward_model and a.step is not None]
    for model in models:
        if step in (None, model.step):
            return model
    known = ", ".join(model.label for model in models)
    raise NotFoundError(
        f"Run '{run_id}' has no reward model" + (f" of step {step}" if step is not None else ""),
        f"It has: {known}" if known else "It has trained none, or saved none yet",
        "Choose one of these" if known else "Name a run whose method is reward_model",
    )
