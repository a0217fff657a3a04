"""Taking a tuned model away: the adapter or the merged model, with its card, config and manifest.

A merged model is proved before it is kept, by what was written: see `merging.py`. An adapter with
values that are no numbers is refused. Nothing is uploaded anywhere.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.config import to_yaml
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, RftError
from rft_core.export.merging import require_finite, write_merged
from rft_core.export.model_card import make_model_card
from rft_core.rewards.contract import RewardSet
from rft_core.store.adapters import get_adapter
from rft_core.store.index import open_index
from rft_core.store.runs import get_run
from rft_core.store.sets import get_set
from rft_core.training.saving.checkpoints import publish_folder

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")


@dataclass(frozen=True)
class Export:
    """What was written. `proof` is empty for an adapter, which needs none."""

    folder: Path
    kind: str  # "adapter" or "merged"
    step: int | None  # None: the finished adapter
    files: tuple[str, ...]
    proof: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "kind": self.kind,
            "step": self.step,
            "files": list(self.files),
            "proof": dict(self.proof),
        }


def export_run(
    runs_dir: Path, run_id: str, to: Path, *, merged: bool = False, step: int | None = None
) -> Export:
    """Write the export into `to`, whole or not at all. `step` None: the newest adapter.

    Raises `BadInputError` if `to` holds anything, `NotFoundError` without such an adapter, and
    `RftError` for weights that are no numbers and for a merged model that fails its proof.
    """
    with open_index(runs_dir) as index:
        run = get_run(index, run_id)
        prompts = PromptSet.from_json(
            get_set(index, "prompts", run.config.prompt_set or "").content
        )
        rewards = None  # what was learned without them is exported too
        if run.config.reward_set is not None:
            rewards = RewardSet.from_json(get_set(index, "rewards", run.config.reward_set).content)
    adapter = get_adapter(runs_dir, run_id, step)
    require_finite(adapter.path)
    to, temporary = _make_room(to)
    try:
        proof = (
            write_merged(run.config, adapter.path, prompts, temporary)
            if merged
            else _copy_adapter(adapter.path, temporary)
        )
        (temporary / "config.yaml").write_text(to_yaml(run.config), encoding="utf-8")
        card = make_model_card(runs_dir, run, adapter, rewards, proof)
        (temporary / "README.md").write_text(card, encoding="utf-8")
        kind = "merged" if merged else "adapter"
        about = {"run": run_id, "step": adapter.step, "kind": kind, "proof": proof}
        temporary.chmod(0o755)
        publish_folder(temporary, to, about)
    except OSError as error:
        raise RftError(
            f"The export could not be written to '{to}'",
            str(error),
            "Nothing is left there: make room, or choose another folder",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    files = tuple(sorted(path.name for path in to.iterdir()))
    return Export(to, kind, adapter.step, files, proof)


def _make_room(to: Path) -> tuple[Path, Path]:
    """Where the export goes, and an empty folder beside it to write it in first."""
    to = to.expanduser().absolute()
    try:
        to = to.resolve()
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise BadInputError(f"'{to}' is not empty", "", "Choose a folder that does not exist")
        to.parent.mkdir(parents=True, exist_ok=True)
        return to, Path(tempfile.mkdtemp(prefix=".unfinished-", dir=to.parent))
    except OSError as error:
        raise BadInputError(
            f"Nothing can be written to '{to}'",
            error.strerror or str(error),
            "Choose a folder that you may write to",
        ) from error


def _copy_adapter(source: Path, target: Path) -> dict[str, Any]:
    for name in ADAPTER_FILES:
        shutil.copyfile(source / name, target / name)
    return {}
