"""The command lie: the shortest completion found that is paid in full and is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.file_options import RewardsFile, read_rewards
from rft_core.cli.output import AsJson, note, print_facts, print_json, printable

if TYPE_CHECKING:
    from rft_core.diagnosis.probes.target import ProbeCase
    from rft_core.diagnosis.shortest_lie.report import Lie, LieReport

MOST_SECONDS, MOST_CALLS = 3600, 100_000

Task = Annotated[
    str, typer.Argument(metavar="TASK", help="A built-in task; not needed with --run.")
]
Run = Annotated[
    str,
    typer.Option("--run", metavar="RUN", help="Begin with what this run wrote, for its rewards."),
]
Check = Annotated[
    Path | None,
    typer.Option("--check", metavar="FILE", help="Rewards that say what is right, as --rewards."),
]
Rows = Annotated[
    Path | None,
    typer.Option("--rows", metavar="FILE", help="Rows to search on: CSV, JSONL, Parquet."),
]


def lie(
    task: Task = "",
    *,
    rewards: RewardsFile = None,
    run: Run = "",
    check: Check = None,
    rows: Rows = None,
    num_prompts: Annotated[
        int, typer.Option("--prompts", min=1, max=8, help="Prompts to search on.")
    ] = 4,
    seconds: Annotated[
        float, typer.Option(min=1, max=MOST_SECONDS, help="How long at most.")
    ] = 60.0,
    calls: Annotated[
        int, typer.Option(min=1, max=MOST_CALLS, help="Calls of the reward at most.")
    ] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed tries the same, in the same order.")] = 0,
    as_json: AsJson = False,
) -> int:
    """Search for the shortest completion that is paid in full and is wrong by an independent check.

    The check is the file of --check; else a truth of weight 0 in the rewards; else the graders of
    the task; else the row's gold answer. What the check cannot judge is no lie. Exit code 1: a lie
    was found. 0: none was, which proves nothing.

    --json: {"task", "run", "check", "found", "summary", "prompts" (how many), "tried", "judged",
    "calls", "seconds", "ending" (found, seconds, calls, nothing at stake), "seed", "remarks",
    "lie"}. The lie is null or {"completion", "row", "prompt" (from 0), "reward", "full_pay" (the
    most that a right completion was seen to earn), "scores", "reasons", "flags", "reason" (of the
    check), "origin" (what it was shrunk from), "first_length", "is_minimal" (no line, token or
    character can be left out)}.
    """
    from rft_core.diagnosis.shortest_lie.ledger import Budget
    from rft_core.tasks import TASKS
    from rft_core.tasks.lie_search import search_lie

    if run:
        chosen, cases, reward_set = _read_run(run, num_prompts)
    else:
        chosen, cases, reward_set = _read_task(task, num_prompts, rows)
    report = search_lie(
        read_rewards(rewards) if rewards else reward_set,
        cases,
        TASKS.get(chosen),
        given=read_rewards(check) if check else None,
        budget=Budget(seconds, calls),
        seed=seed,
    )
    if as_json:
        print_json({"task": chosen, "run": run or None} | _as_json(report, cases))
    else:
        _print_report(report, cases)
    return 1 if report.lie else 0


def _read_task(task: str, count: int, rows: Path | None) -> tuple[str, list[ProbeCase], Any]:
    from rft_core.cli.probe import list_cases
    from rft_core.errors import BadInputError
    from rft_core.tasks import get_task

    if not task:
        raise BadInputError("Neither a task nor a run is named", "", "Name a task, or --run RUN")
    found = get_task(task)
    return task, list_cases(found, count, rows), found.reward_set


def _read_run(run: str, count: int) -> tuple[str, list[ProbeCase], Any]:
    from rft_core.cli.output import runs_dir
    from rft_core.jobs.run_cases import read_run_cases

    found = read_run_cases(runs_dir(), run, count)
    return found.task, found.cases, found.rewards


def _as_json(report: LieReport, cases: list[ProbeCase]) -> dict[str, Any]:
    from dataclasses import asdict

    found = asdict(report) | {"found": report.lie is not None, "summary": report.summary}
    if report.lie:
        found["lie"]["row"] = dict(cases[report.lie.prompt].row)
    return found


def _print_report(report: LieReport, cases: list[ProbeCase]) -> None:
    for remark in report.remarks:
        note(remark)
    if report.lie:
        _print_lie(report.lie, report.check, cases[report.lie.prompt])
    print(report.summary)


def _print_lie(lie: Lie, check: str, case: ProbeCase) -> None:
    print("The completion, between the lines:")
    print("-" * 40)
    print(printable(lie.completion))
    print("-" * 40)
    print_facts({
        "earns": lie.reward,
        "full pay": lie.full_pay,
        **{f"  {name}": score for name, score in lie.scores.items()},
        "check": check,
        "check says": lie.reason,
        "found from": f"{lie.origin}, {lie.first_length:,} characters",
        "least": "yes" if lie.is_minimal else "no: the time was over before it was",
        "row": str(dict(case.row))[:300],
    })  # fmt: skip
