"""The commands probe and lie: attack the rewards of a task before training, and list what pays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.file_options import RewardsFile, choose_rewards, read_prompts
from rft_core.cli.lie import lie
from rft_core.cli.output import AsJson, note, print_json, print_table, printable

if TYPE_CHECKING:
    from rft_core.diagnosis.probes.report import ProbeReport, ProbeResult
    from rft_core.diagnosis.probes.target import ProbeCase
    from rft_core.rewards.contract import RewardSet
    from rft_core.tasks.task import Task

SHOWN = 300  # characters of a completion on the terminal

RowsFile = Annotated[
    Path | None,
    typer.Option("--rows", metavar="FILE", help="Rows to probe on: CSV, JSONL, Parquet."),
]


def register(app: typer.Typer) -> None:
    app.command("probe")(probe)
    app.command("lie")(lie)


def probe(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A built-in task; see `tasks`.")],
    *,
    rewards: RewardsFile = None,
    num_prompts: Annotated[
        int, typer.Option("--prompts", min=1, help="Prompts to probe on; at most 8.")
    ] = 4,
    rows: RowsFile = None,
    as_json: AsJson = False,
) -> int:
    """Attack the rewards with completions that deserve nothing. Exit code 1: something pays,
    or nothing could be scored.
    """
    from rft_core.diagnosis.probes.reward_probes import probe_rewards
    from rft_core.rewards.scorer import Scorer
    from rft_core.tasks import get_task

    chosen = get_task(task)
    cases = list_cases(chosen, num_prompts, rows)
    reward_set = choose_rewards(rewards, task) if rewards else chosen.reward_set
    if rows:
        _check_rows(chosen, cases, reward_set)
    with Scorer(reward_set) as scorer:
        report = probe_rewards(scorer, cases)
    for failure in report.failures:
        note(f"{failure.name}: {failure.error}")
    if as_json:
        print_json({"task": task} | _as_json(report, cases))
    else:
        _print_report(report)
    return 1 if report.paying or not report.scored else 0


def list_cases(task: Task, count: int, path: Path | None) -> list[ProbeCase]:
    """The first rows of the file, else the task's own, else its one example."""
    from rft_core.config import make_config
    from rft_core.tasks.probe_cases import make_cases

    if path:
        stored = read_prompts(path, make_config({"task": task.name}))
        chosen: list[Any] = list(stored.train_rows[:count])
        return make_cases(task, chosen, stored.prompts(chosen))
    rows = task.load(count, 1, 0)[0] if task.make_rows else [dict(task.example_row)]
    return make_cases(task, rows, [task.prompt(row) for row in rows])


def _check_rows(task: Task, cases: list[ProbeCase], rewards: RewardSet) -> None:
    """What a row lacks is not to be blamed on the rewards. Raises where none can be scored."""
    from rft_core.errors import BadInputError
    from rft_core.tasks.row_check import check_task_rows

    check = check_task_rows([case.row for case in cases], task.name, rewards)
    problems = check.list_problems()
    if check.can_score_none:
        raise BadInputError("These rows cannot be probed", problems[0].what, problems[0].fix)
    for problem in problems:
        note(f"Warning: {problem.sentence}")


def _as_json(report: ProbeReport, cases: list[ProbeCase]) -> dict[str, Any]:
    return {
        "summary": report.summary,
        "pays": len(report.paying),
        "probes": len(report.results),
        "gold_reward": report.gold_reward,
        "wrong_reward": report.wrong_reward,
        "empty_reward": report.empty_reward,
        "gold_known": report.gold_known,
        "num_completions": report.num_completions,
        "results": [_result_as_json(result, cases) for result in report.results],
        "failures": [{"function": r.name, "error": r.error} for r in report.failures],
    }


def _result_as_json(result: ProbeResult, cases: list[ProbeCase]) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(result) | {"row": dict(cases[result.case].row), "pays": result.verdict == "pays"}


def _print_report(report: ProbeReport) -> None:
    from rft_core.rewards.contract import head_columns

    rows = [
        (
            result.title,
            result.verdict,
            *result.scores.values(),
            result.reward,
            result.gold_reward,
            f"{result.prompts_paid} of {result.prompts_tried}",
        )
        for result in report.results
    ]
    names = report.results[0].scores if report.results else {}
    first, last = ("probe", "verdict"), ("reward", "gold", "prompts")
    print_table((*first, *head_columns(names, {*first, *last}), *last), rows)
    for result in report.results:
        if result.verdict in ("pays", "loose"):
            print(f"\n{result.title} ({result.verdict}): {result.meaning}\nFix: {result.advice}")
            text = result.completion
            cut = f" … ({len(text):,} characters)" if len(text) > SHOWN else ""
            print(printable("    " + repr(text[:SHOWN]) + cut))
    print(f"\n{report.summary}")
    if not report.gold_known:
        print("No right answer was found for every prompt: half of full marks counts as paid.")
