"""Taking a tuned model away: the adapter or the merged model, with its card, config and manifest.

A merged model is proved before it is kept, by what was written: see `merging.py`. An adapter with
values that are no numbers is refused. Nothing is uploaded anywhere unless a push is asked for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig, to_yaml
from rft_core.data import PromptSet
from rft_core.errors import BadInputError, RftError
from rft_core.export.hub import check_hub, push_folder
from rft_core.export.merging import OnProgress, choose_rows, ignore_progress, require_finite
from rft_core.export.model_card import make_model_card
from rft_core.export.usage import MODELFILE, Way, list_ways
from rft_core.rewards.contract import RewardSet
from rft_core.store.adapters import StoredAdapter, get_adapter
from rft_core.store.exports import ExportRecord, ExportRequest, hold_export, set_export
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.store.sets import get_set
from rft_core.training.saving.checkpoints import MANIFEST_NAME, find_damage, publish_folder

ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors")
PUSHING = 0.8  # the share that is done when the upload begins


@dataclass(frozen=True)
class Export:
    """What was written. `proof` is empty for an adapter, which needs none."""

    folder: Path
    kind: str  # "adapter" or "merged"
    step: int | None  # None: the finished adapter
    files: tuple[str, ...]
    proof: Mapping[str, Any]
    pushed_to: str = ""  # its address on the hub

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "kind": self.kind,
            "step": self.step,
            "files": list(self.files),
            "proof": dict(self.proof),
            "pushed_to": self.pushed_to or None,
        }


def carry_out(
    runs_dir: Path, request: ExportRequest, on_progress: OnProgress = ignore_progress
) -> Export:
    """Export as asked for, then push if asked for; what becomes of it is stored for pages to show.

    What lies in the folder already, as this very export, is pushed as it is. Raises as `export_run`
    and `push_folder` do, and `WorkerError` while another process exports the run.
    """
    with open_index(runs_dir) as index:
        get_run(index, request.run)  # before anything is made for a run that is not there
    get_adapter(runs_dir, request.run, request.step)
    lock = hold_export(runs_dir, request.run)
    record = ExportRecord(request)

    def tell(share: float, doing: str) -> None:
        set_export(runs_dir, replace(record, share=share, doing=doing))
        on_progress(share, doing)

    try:
        tell(0.0, "starting")
        done = _export_and_push(runs_dir, request, tell)
        ended = replace(
            record, share=1.0, doing="", outcome="finished", files=done.files, proof=done.proof,
            pushed_to=done.pushed_to,
        )  # fmt: skip
    except RftError as error:
        told = (error.what, error.why, error.fix)
        set_export(runs_dir, replace(record, outcome="failed", error=told))
        raise
    except KeyboardInterrupt:
        set_export(runs_dir, replace(record, outcome="stopped"))
        raise
    else:
        set_export(runs_dir, ended)
        return done
    finally:
        lock.release()


def _export_and_push(runs_dir: Path, request: ExportRequest, tell: OnProgress) -> Export:
    if not request.push:
        return export_run(
            runs_dir, request.run, Path(request.to), merged=request.merged, step=request.step,
            on_progress=tell,
        )  # fmt: skip
    tell(0.0, "asking the hub")
    check_hub(request.push)
    done = find_export(runs_dir, request) or export_run(
        runs_dir, request.run, Path(request.to), merged=request.merged, step=request.step,
        on_progress=lambda share, doing: tell(PUSHING * share, doing),
    )  # fmt: skip
    size = sum(path.stat().st_size for path in done.folder.iterdir())
    tell(PUSHING, f"uploading {size / 1e6:,.1f} MB to {request.push}")
    try:
        address = push_folder(
            done.folder, request.push, public=request.public, message=f"Run {request.run}"
        )
    except RftError as error:
        kept = f"The export itself is in '{done.folder}'. {error.fix}"
        raise RftError(error.what, error.why, kept) from error
    return replace(done, pushed_to=address)


def export_run(
    runs_dir: Path,
    run_id: str,
    to: Path,
    *,
    merged: bool = False,
    step: int | None = None,
    on_progress: OnProgress = ignore_progress,
) -> Export:
    """Write the export into `to`, whole or not at all. `step` None: the newest adapter.

    Raises `BadInputError` if `to` holds anything, `NotFoundError` without such an adapter, and
    `RftError` for weights that are no numbers and for a merged model that fails its proof.
    """
    run, prompts, rewards = _read_run(runs_dir, run_id)
    adapter = get_adapter(runs_dir, run_id, step)
    require_finite(adapter.path)
    to, temporary = _make_room(to, run_id)
    try:
        proof = (
            _write_merged(run.config, adapter, prompts, temporary, on_progress)
            if merged
            else _copy_adapter(adapter.path, temporary)
        )
        on_progress(0.92, "writing the card")
        (temporary / "config.yaml").write_text(to_yaml(run.config), encoding="utf-8")
        ways = list_ways(run.config, is_merged=merged, system=find_system(prompts))
        card = make_model_card(runs_dir, run, adapter, rewards, proof, ways=ways)
        (temporary / "README.md").write_text(card, encoding="utf-8")
        kind = "merged" if merged else "adapter"
        about = _describe(run_id, adapter, kind) | {"proof": proof}
        temporary.chmod(0o755)
        if to.exists():
            to.rmdir()  # empty when it was chosen; what somebody has put there since is kept
        publish_folder(temporary, to, about)
    except OSError as error:
        raise RftError(
            f"The export could not be written to '{to}'",
            str(error),
            "Nothing is left there: make room, or choose another folder",
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Export(to, kind, adapter.step, _list_files(to), proof)


def find_export(runs_dir: Path, request: ExportRequest) -> Export | None:
    """What lies at `request.to`, if it is whole and the very export that is asked for."""
    folder = Path(request.to)
    try:
        manifest = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
        adapter = get_adapter(runs_dir, request.run, request.step)
        wanted = _describe(request.run, adapter, request.kind)
        if any(manifest[name] != value for name, value in wanted.items()):
            return None
        proof = dict(manifest["proof"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if find_damage(folder):
        return None
    return Export(folder, request.kind, adapter.step, _list_files(folder), proof)


def read_ways(runs_dir: Path, request: ExportRequest) -> tuple[Way, ...]:
    """The lines that use what was exported, where it lies."""
    run, prompts, _ = _read_run(runs_dir, request.run)
    system = find_system(prompts)
    return list_ways(run.config, is_merged=request.merged, folder=request.to, system=system)


def find_system(prompts: PromptSet) -> str | None:
    """The system message, where all prompts begin with the same one."""
    firsts = {
        messages[0]["content"] if messages[0]["role"] == "system" else None
        for messages in prompts.prompts(choose_rows(prompts))
    }
    return firsts.pop() if len(firsts) == 1 else None


def _read_run(runs_dir: Path, run_id: str) -> tuple[RunRow, PromptSet, RewardSet | None]:
    with open_index(runs_dir) as index:
        run = get_run(index, run_id)
        prompts = PromptSet.from_json(
            get_set(index, "prompts", run.config.prompt_set or "").content
        )
        rewards = None  # what was learned without them is exported too
        if run.config.reward_set is not None:
            rewards = RewardSet.from_json(get_set(index, "rewards", run.config.reward_set).content)
    return run, prompts, rewards


def _describe(run_id: str, adapter: StoredAdapter, kind: str) -> dict[str, Any]:
    """What makes an export this one and no other."""
    weights = adapter.path / ADAPTER_FILES[1]
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"run": run_id, "step": adapter.step, "kind": kind, "adapter": digest}


def check_folder(to: Path) -> Path:
    """Where the export goes. Raises `BadInputError` if something lies there."""
    try:
        to = to.expanduser().absolute().resolve()
        if to.exists() and (not to.is_dir() or any(to.iterdir())):
            raise BadInputError(f"'{to}' is not empty", "", "Choose a folder that does not exist")
    except (OSError, RuntimeError) as error:
        raise _cannot_write(to, error) from error
    return to


def _make_room(to: Path, run_id: str) -> tuple[Path, Path]:
    """Where the export goes, and an empty folder beside it to write it in first."""
    to = check_folder(to)
    temporary = to.parent / f".unfinished-export-{run_id}"
    try:
        shutil.rmtree(temporary, ignore_errors=True)  # of one that was killed
        temporary.mkdir(parents=True)
    except OSError as error:
        raise _cannot_write(to, error) from error
    return to, temporary


def _cannot_write(to: Path, error: Exception) -> BadInputError:
    return BadInputError(
        f"Nothing can be written to '{to}'",
        getattr(error, "strerror", None) or str(error),
        "Choose a folder that you may write to",
    )


def _copy_adapter(source: Path, target: Path) -> dict[str, Any]:
    for name in ADAPTER_FILES:
        shutil.copyfile(source / name, target / name)
    return {}


def _write_merged(
    config: RunConfig, adapter: StoredAdapter, prompts: PromptSet, target: Path, tell: OnProgress
) -> dict[str, Any]:
    from rft_core.export.merging import write_merged
    from rft_core.export.modelfile import write_modelfile

    proof, tokenizer, ends = write_merged(config, adapter.path, prompts, target, tell)
    text = write_modelfile(
        tokenizer, ends, config.chat_template_kwargs, system=find_system(prompts),
        stop_strings=config.stop_strings,
    )  # fmt: skip
    (target / MODELFILE).write_text(text, encoding="utf-8")
    return proof


def _list_files(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir()))
