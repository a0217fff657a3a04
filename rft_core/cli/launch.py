"""Commands that begin runs: launch, train, demo, fork, and plan, which only looks ahead."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rft_core.cli.evaluate import evaluate
from rft_core.cli.file_options import PromptsFile, RewardsFile, with_own_files
from rft_core.cli.output import (
    AsJson,
    Assignments,
    RunId,
    interruptible,
    note,
    print_facts,
    print_json,
    printable,
    runs_dir,
)
from rft_core.config.methods import describe_methods

if TYPE_CHECKING:
    from rft_core.config import RunConfig
    from rft_core.store.state.status import RunStatus

ConfigFile = Annotated[
    Path | None, typer.Argument(metavar="[CONFIG.yaml]", help="Settings; the rest keep defaults.")
]
MethodName = Annotated[
    str | None,
    typer.Option("--method", metavar="METHOD", help=f"How to train. {describe_methods()}"),
]
NoPreflight = Annotated[
    bool, typer.Option("--no-preflight", help="Begin with step 1, without trying a few groups.")
]
TaskName = Annotated[str | None, typer.Option("--task", help="A built-in task; see `tasks`.")]
DEMO_SAMPLES = 4  # of each held-out prompt


def register(app: typer.Typer) -> None:
    app.command("launch")(launch)
    app.command("train")(train)
    app.command("demo")(demo)
    app.command("fork")(fork)
    app.command("plan")(plan)


def launch(
    config: ConfigFile = None,
    *,
    task: TaskName = None,
    method: MethodName = None,
    prompts: PromptsFile = None,
    rewards: RewardsFile = None,
    assignments: Assignments = None,
    no_preflight: NoPreflight = False,
    as_json: AsJson = False,
) -> None:
    """Start a run in the background and print its id."""
    settings = read_config(config, task, assignments, method, preflight=not no_preflight)
    _print_begun(_launch(settings, prompts, rewards), as_json)


def train(
    config: ConfigFile = None,
    *,
    task: TaskName = None,
    method: MethodName = None,
    prompts: PromptsFile = None,
    rewards: RewardsFile = None,
    assignments: Assignments = None,
    no_preflight: NoPreflight = False,
    as_json: AsJson = False,
) -> int:
    """Like launch, but stay and show progress; Ctrl-C saves a checkpoint and stops the run."""
    settings = read_config(config, task, assignments, method, preflight=not no_preflight)
    run_id = _launch(settings, prompts, rewards)
    note(f"{run_id}: Ctrl-C saves a checkpoint and stops it")
    status = follow(run_id)
    if as_json:
        print_json({"run": run_id, "state": status.state})
    else:
        print(" ".join(filter(None, (run_id, status.state, status.message))))
    return 0 if status.state in ("finished", "stopped") else 1


def _launch(config: RunConfig, prompts: Path | None, rewards: Path | None) -> str:
    """Store the files, say what the run may lack, and start it; its id."""
    from rft_core.jobs import launcher

    folder = runs_dir()
    config = with_own_files(folder, config, prompts, rewards)
    warn(config)
    return launcher.launch(folder, config)


def demo(
    name: Annotated[
        Literal["countdown", "triton", "triton-naive", "real"],
        typer.Argument(
            help="What the small model learns; naive: by rewards that can be gamed; real: an "
            "instruct model of 135M parameters, which is fetched first."
        ),
    ] = "countdown",
    *,
    evaluated: Annotated[
        bool,
        typer.Option("--evaluate", help="Wait for its end; compare it with the base on new rows."),
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Start the run of a built-in demo, or go on with it where it has ended early."""
    from rft_core.jobs import launcher
    from rft_core.jobs.demos import launch_demo

    folder = runs_dir()
    run_id = launch_demo(folder, name, note)
    if not evaluated:
        _print_begun(run_id, as_json)
        return 0
    status = launcher.wait_for_end(folder, run_id, on_poll=_show)
    if status.state != "finished":
        note(" ".join(filter(None, (run_id, status.state, status.message))))
        return 1
    evaluate([run_id], k=DEMO_SAMPLES, as_json=as_json)
    note(f"Talk to both on the Chat page, or: python -m rft_core ask {run_id} --text TEXT")
    return 0


def fork(
    run: RunId,
    step: Annotated[int | None, typer.Option(help="Its checkpoint; default: the newest.")] = None,
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> None:
    """Start a new run from a checkpoint of another, with changed settings."""
    from rft_core.config import parse_assignments
    from rft_core.jobs import launcher

    changes = parse_assignments(assignments or [])
    _print_begun(launcher.fork(runs_dir(), run, step=step, changes=changes), as_json)


def plan(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.yaml")],
    assignments: Assignments = None,
    as_json: AsJson = False,
) -> int:
    """Estimate memory, time and disk of a run, and list what would stop it."""
    from rft_core.jobs.checks import list_judge_calls, list_problems, list_warnings, settle_length
    from rft_core.planning import estimate

    folder = runs_dir()
    settings, length = settle_length(folder, read_config(config, None, assignments))
    found, problems = estimate(settings, folder), list_problems(folder, settings)
    judges = list_judge_calls(folder, settings)
    warnings = [*found.warnings, *map(str, list_warnings(folder, settings))]
    if as_json:
        print_json(
            {
                "length": length,
                "max_steps": settings.max_steps,
                "memory_bytes": found.memory_bytes,
                "memory": found.memory,
                "seconds_per_step": found.seconds_per_step,
                "total_seconds": found.total_seconds,
                "disk_bytes": found.disk_bytes,
                "basis": found.basis,
                "judges": [asdict(j) | {"total": j.total} for j in judges],
                "warnings": warnings,
                "problems": [
                    {"field": p.where, "message": p.what, "suggestion": p.fix} for p in problems
                ],
            }
        )
    else:
        length = length or f"{settings.max_steps} steps"
        print_facts(
            {
                "length": length, "memory": found.memory_text, "time": found.time_text,
                "disk": found.disk_text,
            }
        )  # fmt: skip
        print("\n".join(printable(str(part)) for part in (*judges, found.basis)))
        for text in (*warnings, *map(str, problems)):
            note(text)
    return 2 if problems else 0


def read_config(
    path: Path | None,
    task: str | None,
    assignments: list[str] | None,
    method: str | None = None,
    *,
    preflight: bool = True,
) -> RunConfig:
    """Defaults, then the file, then --task and --method, then --set, then --no-preflight."""
    from rft_core.config import make_config, parse_assignments, parse_yaml
    from rft_core.errors import cannot_read

    values = {}
    if path is not None:
        try:
            values = parse_yaml(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise cannot_read(path, error) from error
    if task:
        values["task"] = task
    if method:
        values["method"] = method
    values |= parse_assignments(assignments or [])
    config = make_config(values)
    return config if preflight else config.model_copy(update={"preflight": False})


def warn(config: RunConfig) -> None:
    """What a run may lack, and what it will ask of others."""
    from rft_core.jobs.checks import list_judge_calls, list_warnings, settle_length
    from rft_core.planning import estimate

    config, _ = settle_length(runs_dir(), config)
    for text in (*estimate(config, runs_dir()).warnings, *list_warnings(runs_dir(), config)):
        note(f"Warning: {text}")
    for judge in list_judge_calls(runs_dir(), config):
        note(printable(str(judge)))


def follow(run_id: str) -> RunStatus:
    """Show a run until it ends. Ctrl-C and SIGTERM stop it, and the wait goes on to its end."""
    from rft_core.jobs import launcher

    folder = runs_dir()
    with interruptible():
        try:
            return launcher.wait_for_end(folder, run_id, on_poll=_show)
        except KeyboardInterrupt:
            note("\nStopping: the step is finished and a checkpoint saved ...")
            launcher.stop(folder, run_id)
            return launcher.wait_for_end(folder, run_id, on_poll=_show)


def _show(status: RunStatus) -> None:
    if not sys.stderr.isatty():
        return
    parts = [status.state, f"step {status.step}/{status.max_steps}"]
    parts += [f"reward {status.last_train['reward']:.3f}"] if "reward" in status.last_train else []
    parts += [f"{status.eta:.0f} s left"] if status.eta else []
    parts += [status.detail or status.phase] if status.phase != "training" else []
    parts += [f"{status.part_left:.0f} s left of it"] if status.part_left is not None else []
    print("\r\033[K" + " · ".join(filter(None, parts)), end="", file=sys.stderr, flush=True)


def _print_begun(run_id: str, as_json: bool) -> None:
    from rft_core.store.index import open_index
    from rft_core.store.state.status import get_run_status

    folder = runs_dir()
    with open_index(folder) as index:
        state = get_run_status(index, folder, run_id).state
    if as_json:
        print_json({"run": run_id, "state": state})
    else:
        print(run_id)
        note(f"It is {state}. Watch it: python -m rft_core show {run_id}")
