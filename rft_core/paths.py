"""Where things live. The only place that knows folder and file names.

`RFT_RUNS_DIR` chooses the runs folder; without it, `runs/` beside `rft_core/` is used:

    runs/index.db                      prompt sets, reward sets, runs, commands
    runs/<run_id>/run.db               metrics, generations, events, checkpoints of one run
    runs/<run_id>/worker.log           what the worker printed
    runs/<run_id>/checkpoints/step-N/  atomic checkpoints
    runs/<run_id>/adapter/             the finished LoRA adapter
    runs/<run_id>/initial_adapter/     of a fork: what it began with
    runs/<run_id>/reward_models/       copies of the reward models of other runs that it is paid by
    runs/<run_id>/rescores.db          what other rewards would have given
    runs/<run_id>/columns.db           run.db again, laid out for reading; made again if it is gone
    runs/<run_id>/export.json          its latest export: how far it is, or what became of it
    runs/exports/                      where pages put what is taken away, unless told otherwise
    runs/judge_limits/                 who asked a judge's endpoint in the last minute
    runs/models/<name>/                base models that a demo has fetched
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
SCORE_HEAD_FILE = (
    "score_head.safetensors"  # beside the adapter of a reward model: what makes it one
)
CHOOSE_RUNS_DIR = "Set RFT_RUNS_DIR to a folder that you may write to"


def keep_files_private() -> None:
    """What this process makes from now on can be read by its own user only (0600, 0700).

    For processes of ours at their start: prompts, completions and logs are nobody else's business.
    """
    os.umask(0o077)


def get_runs_dir() -> Path:
    """The runs folder (not created here)."""
    # Not Path.resolve, which raises where links lead in a circle: opening it says so in words.
    return Path(os.path.realpath(os.environ.get("RFT_RUNS_DIR") or PROJECT_ROOT / "runs"))


def get_index_path(runs_dir: Path) -> Path:
    return runs_dir / "index.db"


def get_models_dir(runs_dir: Path) -> Path:
    return runs_dir / "models"


def get_judge_limit_path(runs_dir: Path, mark: str) -> Path:
    """`mark` names the endpoint, the model and the limits."""
    return runs_dir / "judge_limits" / f"{mark}.json"


def get_reserve_path(runs_dir: Path) -> Path:
    """A file of no content that is given up when the disk is full."""
    return runs_dir / ".reserve"


def get_run_dir(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id


def get_run_db_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "run.db"


def get_columns_path(run_db: Path) -> Path:
    """Beside the run's own database: whoever reads that one finds it without knowing the run."""
    return run_db.with_name("columns.db")


def get_columns_lock_path(runs_dir: Path, run_id: str) -> Path:
    """Held with `flock` by the one process that brings the columns up to date."""
    return runs_dir / run_id / "columns.lock"


def get_columns_log_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "columns.log"


def get_rescores_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "rescores.db"


def get_rescore_lock_path(runs_dir: Path, run_id: str, reward_set: str) -> Path:
    """Held with `flock` by the one process that scores the run again with this reward set."""
    return runs_dir / run_id / f"rescore-{reward_set}.lock"


def get_rescore_log_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "rescore.log"


def get_exports_dir(runs_dir: Path) -> Path:
    """What is taken away outlives its run."""
    return runs_dir / "exports"


def get_export_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "export.json"


def get_export_lock_path(runs_dir: Path, run_id: str) -> Path:
    """Held with `flock` by the one process that exports the run."""
    return runs_dir / run_id / "export.lock"


def get_export_log_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "export.log"


def get_alerts_path(runs_dir: Path, run_id: str) -> Path:
    """What a webhook was told of the run."""
    return runs_dir / run_id / "alerts.json"


def get_webhook_path(runs_dir: Path) -> Path:
    """The address of the webhook, where there is one: a secret."""
    return runs_dir / "webhook.url"


def get_worker_log_path(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "worker.log"


def get_worker_lock_path(runs_dir: Path, run_id: str) -> Path:
    """Held with `flock` by the living worker; freed by the kernel however it dies."""
    return runs_dir / run_id / "worker.lock"


def get_heartbeat_path(runs_dir: Path, run_id: str) -> Path:
    """Touched every second by the living worker."""
    return runs_dir / run_id / "heartbeat"


def get_checkpoints_dir(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "checkpoints"


def name_checkpoint(step: int | str) -> str:
    """Of a checkpoint's folder; with "*", a pattern for all of them."""
    return f"step-{step}"


def get_checkpoint_dir(runs_dir: Path, run_id: str, step: int) -> Path:
    return get_checkpoints_dir(runs_dir, run_id) / name_checkpoint(step)


def get_adapter_dir(runs_dir: Path, run_id: str) -> Path:
    return runs_dir / run_id / "adapter"


def get_initial_adapter_dir(runs_dir: Path, run_id: str) -> Path:
    """Of a fork: a copy of its parent's adapter at the step that it begins with."""
    return runs_dir / run_id / "initial_adapter"


def get_experiment_lock_path(runs_dir: Path, name: str) -> Path:
    """Held with `flock` by the one process that works through the experiment."""
    return runs_dir / f".experiment-{name}.lock"


def get_experiment_log_path(runs_dir: Path, name: str) -> Path:
    return runs_dir / f".experiment-{name}.log"


def get_reward_model_copy_dir(runs_dir: Path, run_id: str, *, of: str, step: int) -> Path:
    """The copy that a run keeps of the reward model which another run had left at that step."""
    return runs_dir / run_id / "reward_models" / f"{of}-{name_checkpoint(step)}"


def get_rollouts_dir(checkpoints_dir: Path) -> Path:
    """What the run's policies have sampled before a stage, beside its checkpoints."""
    return checkpoints_dir.parent / "rollouts"


def get_token_path(runs_dir: Path) -> Path:
    """What another user of this machine must know to open the dashboard."""
    return runs_dir / "dashboard.token"


def get_supervisor_lock_path(runs_dir: Path) -> Path:
    return runs_dir / "supervisor.lock"


def get_supervisor_log_path(runs_dir: Path) -> Path:
    return runs_dir / "supervisor.log"


def get_readiness_path(runs_dir: Path) -> Path:
    """Its age says how long ago somebody was about to launch a run."""
    return runs_dir / "ready.wished"


def get_generation_socket_path(runs_dir: Path) -> Path:
    """The Unix socket of the resident generation service."""
    return runs_dir / "generation.sock"


def get_device_lease_path(runs_dir: Path) -> Path:
    """Held with a shared `flock` by every worker that has a model in memory."""
    return runs_dir / "device.lease"


def get_generation_log_path(runs_dir: Path) -> Path:
    return runs_dir / "generation.log"
