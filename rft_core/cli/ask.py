"""The command ask: one question to the base and to a run's adapter, with several seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from rft_core.cli.output import (
    AsJson,
    RunId,
    end_progress,
    print_json,
    printable,
    runs_dir,
    show_progress,
)

if TYPE_CHECKING:
    from rft_core.evaluation.asking import Answer, Answers

WIDEST_SEED = 6  # digits
SHOWN = 100  # characters of a scored completion that gives no answer


def register(app: typer.Typer) -> None:
    app.command("ask")(ask)


def ask(
    run: RunId,
    *,
    row: Annotated[
        str | None,
        typer.Option("--row", metavar="JSON", help='A row of its task: {"column": value, ...}.'),
    ] = None,
    text: Annotated[
        str | None, typer.Option("--text", help="Free text instead; it is not scored.")
    ] = None,
    n: Annotated[int, typer.Option("--n", min=1, max=1000, help="Answers, one a seed.")] = 10,
    checkpoint: Annotated[
        int | None, typer.Option(metavar="STEP", help="Of its adapters; default: the newest.")
    ] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, help="0: greedy; default: the run's.")
    ] = None,
    max_completion_length: Annotated[
        int | None, typer.Option(min=1, help="Longest answer in tokens; default: the run's.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first of the seeds.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Ask the base and the tuned model one question n times, and score what they answer."""
    from rft_core.evaluation.asking import ask as ask_both
    from rft_core.evaluation.asking import plan_question, read_row

    plan = plan_question(
        runs_dir(),
        run,
        row=read_row(row) if row is not None else None,
        text=text,
        checkpoint=checkpoint,
        temperature=temperature,
        max_completion_length=max_completion_length,
        seed=seed,
    )
    asked = ask_both(plan, n, show_progress)
    end_progress()
    if as_json:
        print_json({"run": run, "row": plan.row, "text": text} | _as_json(asked))
        return
    for answers in asked:
        print(_name(answers))
        for answer in answers.answers:
            print(f"  seed {answer.seed:<{WIDEST_SEED}} {_verdict(answer):<8} {_say(answer)}")
    if counts := _count(asked):
        print(counts)


def _as_json(asked: list[Answers]) -> dict[str, object]:
    models = [
        {
            "model": answers.contender.label,
            "step": answers.contender.step,
            "right": answers.num_right if answers.is_scored else None,
            "n": len(answers.answers),
            "answers": [answer.to_json() for answer in answers.answers],
        }
        for answers in asked
    ]
    flat = [
        {"model": answers.contender.label} | answer.to_json()
        for answers in asked
        for answer in answers.answers
    ]
    return {"models": models, "answers": flat}


def _name(answers: Answers) -> str:
    step = answers.contender.step
    return answers.contender.label + (f", step {step}" if step is not None else "")


def _verdict(answer: Answer) -> str:
    if answer.scored is None:
        return ""
    return {True: "right", False: "wrong", None: "unjudged"}[answer.right]


def _say(answer: Answer) -> str:
    """The answer of a scored completion; without one its end. Of free text, everything."""
    said = answer.completion.text
    if answer.scored is not None:
        said = answer.final or f"… {said[-SHOWN:]}"
    return printable(" ".join(said.split()))


def _count(asked: list[Answers]) -> str:
    """ "base 3 of 10, tuned 9 of 10", of those that could be judged; nothing without any."""
    return ", ".join(
        f"{answers.contender.label} {answers.num_right} of {answers.num_judged}"
        for answers in asked
        if answers.num_judged
    )
