"""Commands about runs that exist: runs, show, stop, resume, delete."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.output import AsJson, RunId, note, print_facts, print_json, print_table, runs_dir

if TYPE_CHECKING:
    from pathlib import Path

    from rft_core.store.state.status import RunStatus

BAR = 20  # signs


def register(app: typer.Typer) -> None:
    app.command("runs")(list_all)
    app.command("show")(show)
    app.command("stop")(stop)
    app.command("resume")(resume)
    app.command("delete")(delete)


def list_all(as_json: AsJson = False) -> None:
    """All runs, newest first."""
    from rft_core.jobs.launcher import ensure_commands_are_served
    from rft_core.store.index import open_index
    from rft_core.store.runs import list_unreadable_runs
    from rft_core.store.state.status import list_run_statuses

    folder = runs_dir()
    ensure_commands_are_served(folder)
    with open_index(folder) as index:
        statuses, unreadable = list_run_statuses(index, folder), list_unreadable_runs(index)
    for run in unreadable:
        note(f"{run.id} cannot be read by this version: {run.problem}")
    if as_json:
        print_json({"runs": [_as_json(status) for status in statuses]})
    elif not statuses:
        print("No runs yet. Start one: python -m rft_core launch")
    else:
        columns = ("run", "state", "step", "reward", "validation", "time", "model", "name")
        print_table(columns, [_as_row(status) for status in statuses])


def show(run: RunId, as_json: AsJson = False) -> None:
    """One run: its state, last rewards, checkpoints, attempts and settings."""
    from rft_core.cli.doctor import judge
    from rft_core.cli.dry_run_report import judgement_document, print_judgement
    from rft_core.config import changed_fields
    from rft_core.jobs.launcher import ensure_commands_are_served
    from rft_core.paths import get_run_dir

    folder = runs_dir()
    ensure_commands_are_served(folder)
    status = _get_status(folder, run)
    judgement = judge(folder, status)
    value = _as_json(status) | _history(folder, run) | judgement_document(judgement)
    value |= {"folder": str(get_run_dir(folder, run))}
    if as_json:
        print_json(value | {"config": status.run.config.model_dump(mode="json")})
        return
    facts = {k: v for k, v in value.items() if isinstance(v, str | int | float) and v != ""}
    facts["created_at"] = time.strftime("%Y-%m-%d %H:%M", time.localtime(value["created_at"]))
    facts["checkpoints"] = ", ".join(str(c["step"]) for c in value["checkpoints"]) or "none yet"
    facts["attempts"] = len(value["attempts"])
    for bare in ("share_done", "part_left"):
        facts.pop(bare, None)
    facts |= _describe_part(status)
    if spent := value["seconds"]:
        facts["time spent"] = _describe_time(spent)
    facts["sandbox tier"] = status.sandbox_tier or "none: no code was run"
    for split in ("train", "validation"):
        facts |= {f"{split} {name}": number for name, number in value[split].items()}
    print_facts(facts | {f"set {k}": v for k, v in changed_fields(status.run.config).items()})
    print_judgement(judgement)


def stop(
    run: RunId,
    wait: Annotated[bool, typer.Option("--wait", help="Return when it has ended.")] = False,
    now: Annotated[bool, typer.Option("--now", help="Kill it, without a checkpoint.")] = False,
    as_json: AsJson = False,
) -> None:
    """Save a checkpoint and end; a queued run is taken off the queue."""
    from rft_core.jobs import launcher

    folder = runs_dir()
    (launcher.kill if now else launcher.stop)(folder, run)
    status = launcher.wait_for_end(folder, run, timeout=None if wait else 0)
    _print_state(status, as_json)


def resume(run: RunId, as_json: AsJson = False) -> None:
    """Go on with a stopped, failed or crashed run from its newest checkpoint."""
    from rft_core.jobs import launcher

    folder = runs_dir()
    before = _get_status(folder, run)
    launcher.resume(folder, run)
    if before.resume_text:
        note(before.resume_text)
    _print_state(_get_status(folder, run), as_json)


def delete(run: RunId, as_json: AsJson = False) -> None:
    """Remove a run that is not active, with everything it stored."""
    from rft_core.jobs import launcher

    launcher.delete(runs_dir(), run)
    if as_json:
        print_json({"run": run, "state": "deleted"})
    else:
        print(f"{run} deleted")


def _get_status(folder: Path, run: str) -> RunStatus:
    from rft_core.store.index import open_index
    from rft_core.store.state.status import get_run_status

    with open_index(folder) as index:
        return get_run_status(index, folder, run)


def _print_state(status: RunStatus, as_json: bool) -> None:
    if as_json:
        print_json({"run": status.run.id, "state": status.state})
    else:
        print(f"{status.run.id} {status.state}")


def _as_json(status: RunStatus) -> dict[str, Any]:
    run = status.run
    return {
        "run": run.id,
        "state": status.state,
        "name": run.name,
        "task": run.config.task,
        "method": run.config.method,
        "model": run.config.model,
        "step": status.step,
        "max_steps": status.max_steps,
        "phase": status.phase,
        "detail": status.detail,
        "share_done": status.share_done,
        "part_left": status.part_left,
        "message": status.message,
        "duration": status.duration,
        "eta": status.eta,
        "resume_step": status.resume_step,
        "created_at": run.created_at,
        "parent_run": run.parent_run,
        "parent_step": run.parent_step,
        "train": status.last_train,
        "validation": status.last_validation,
    }


def _as_row(status: RunStatus) -> tuple[object, ...]:
    age = time.time() - status.run.created_at
    return (
        status.run.id,
        status.state,
        f"{status.step}/{status.max_steps}",
        status.last_train.get("reward"),
        status.last_validation.get("reward"),
        f"{status.duration:.0f} s" if status.duration else f"asked {age:.0f} s ago",
        status.run.config.model,
        status.run.name,
    )


def _describe_part(status: RunStatus) -> dict[str, str]:
    """How far that is which is done now, as a bar, and what is left of it."""
    if status.share_done is None:
        return {}
    full = round(status.share_done * BAR)
    left = "" if status.part_left is None else f", about {status.part_left:.0f} s left"
    bar = "#" * full + "-" * (BAR - full)
    return {f"{status.phase or 'done'}, so far": f"[{bar}] {status.share_done:.0%}{left}"}


def _describe_time(seconds: dict[str, float]) -> str:
    """The shares of what can be seen in a whole, largest first."""
    from rft_core.store.phase_times import LEAST_SHARE, name_phase

    total = sum(seconds.values())
    largest = sorted(seconds, key=seconds.__getitem__, reverse=True)
    return ", ".join(
        f"{name_phase(phase)} {seconds[phase] / total:.0%}"
        for phase in largest
        if seconds[phase] >= LEAST_SHARE * total
    )


def _history(folder: Path, run: str) -> dict[str, Any]:
    """Checkpoints, attempts, and where the time went: seconds by phase over the whole run."""
    from dataclasses import asdict

    from rft_core.errors import NotFoundError, UnreadableRunError
    from rft_core.paths import get_checkpoint_dir
    from rft_core.store.phase_times import phase_totals
    from rft_core.store.run_reader import list_attempts, list_checkpoints, open_run

    try:
        with open_run(folder, run) as db:
            checkpoints = [
                asdict(c) | {"path": str(get_checkpoint_dir(folder, run, c.step))}
                for c in list_checkpoints(db)
            ]
            attempts = [asdict(a) for a in list_attempts(db)]
            return {"checkpoints": checkpoints, "attempts": attempts, "seconds": phase_totals(db)}
    except (NotFoundError, UnreadableRunError):  # the run's state and message say so
        return {"checkpoints": [], "attempts": [], "seconds": {}}
