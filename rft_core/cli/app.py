"""The commands, and what their errors become: one line on stderr and an exit code.

0: done; 1: it failed; 2: bad input, nothing was changed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from rft_core.cli import (
    ask,
    compare,
    doctor,
    dry_run,
    evaluate,
    experiment,
    generations,
    launch,
    models,
    probe,
    report,
    runs,
    tasks,
)
from rft_core.cli.sets import evals, pairs, preferences, prompts, rewards
from rft_core.errors import RftError

INTERRUPTED = 130

app = typer.Typer(
    name="python -m rft_core",
    help="Design rewards, train with LoRA, and look at every completion.",
    add_completion=False,
    rich_markup_mode=None,
)
# Each file is named by the first of its commands.
FILES = (
    tasks, models, prompts, evals, dry_run, probe, rewards, pairs, preferences, launch,
    runs, doctor, generations, evaluate, compare, report, ask, experiment,
)  # fmt: skip
for file in FILES:
    file.register(app)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code. Bugs keep their traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(words or ["--help"], standalone_mode=False)
    except TyperException as error:  # a wrong option, a missing argument, an unknown command
        print(f"{error.format_message()} (see --help)", file=sys.stderr)
        return 2
    except RftError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    return int(code or 0)
