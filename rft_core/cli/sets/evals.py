"""The command import: an eval of OpenAI's or Promptfoo's becomes prompts and rewards."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.output import AsJson, note, print_json, runs_dir
from rft_core.errors import cannot_read

if TYPE_CHECKING:
    from rft_core.data import PromptSet, PromptTemplate
    from rft_core.rewards.exchange.evals.eval_file import EvalText
    from rft_core.rewards.exchange.evals.imported_eval import ImportedEval

LEAVE_OUT = "Mend the file, or import the rest of it with --partial"


def register(app: typer.Typer) -> None:
    app.command("import")(import_eval)


def import_eval(  # noqa: PLR0917 -- each is an argument or an option of the command
    source: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="OpenAI Evals JSON, or a Promptfoo configuration."),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", metavar="FILE", help="Its rows, its run, or its tests; repeatable."),
    ] = None,
    name: Annotated[str, typer.Option(help="Default: the eval's own name, or the file's.")] = "",
    user: Annotated[
        str, typer.Option(help="How to ask, in place of the eval's prompt: '{{ question }}'.")
    ] = "",
    system: Annotated[str, typer.Option(help="With --user: the system message.")] = "",
    validation: Annotated[
        float, typer.Option(help="For validation: a share of the rows, or a number of them.")
    ] = 0.2,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out what cannot be imported.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Store the prompts and the rewards of an eval from elsewhere, ready to launch.

    What cannot be imported is named by its path, and nothing is stored then, unless --partial says
    that the rest will do.
    """
    from dataclasses import replace

    from rft_core.rewards.exchange.evals.eval_file import read_eval
    from rft_core.rewards.exchange.evals.imported_eval import require_whole

    files = [_read_file(path) for path in (source, *(data or []))]
    imported = read_eval(files[0], files[1:], _make_template(system, user))
    imported = replace(imported, name=name or imported.name)
    if not partial:
        require_whole(imported, LEAVE_OUT)
    for remark in (*imported.remarks, *imported.unsupported):
        note(remark)
    prompt_set = imported.make_prompt_set(validation)
    _store(runs_dir(), imported, prompt_set)
    facts = _describe(imported, prompt_set)
    if as_json:
        print_json(facts)
    else:
        print(f"prompts {facts['prompt_set']}: {facts['train']} to train on, "
              f"{facts['validation']} for validation")  # fmt: skip
        print(f"rewards {facts['reward_set']}: {', '.join(imported.rewards.names)}")
        print(facts["launch"])


def _read_file(path: Path) -> EvalText:
    from rft_core.rewards.exchange.evals.eval_file import EvalText

    try:
        return EvalText(path.name, path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise cannot_read(path, error) from error


def _make_template(system: str, user: str) -> PromptTemplate | None:
    from rft_core.data import PromptTemplate
    from rft_core.errors import BadInputError

    if system and not user:
        raise BadInputError("There is a --system, and no --user", "", "Say with --user how to ask")
    return PromptTemplate(system, user) if user else None


def _store(folder: Path, imported: ImportedEval, prompt_set: PromptSet) -> None:
    """Both or neither: everything that can be wrong has been found by now."""
    from dataclasses import replace

    from rft_core.cli.file_options import store_rewards
    from rft_core.jobs.pinning import store_prompt_set
    from rft_core.store.index import open_index

    with open_index(folder) as index:
        store_prompt_set(index, prompt_set)
    store_rewards(folder, replace(imported.rewards, name=imported.name))


def _describe(imported: ImportedEval, prompt_set: PromptSet) -> dict[str, Any]:
    from rft_core.tasks import CUSTOM_TASK

    chosen = {
        "task": CUSTOM_TASK,
        "prompt_set": prompt_set.id,
        "reward_set": imported.rewards.id,
    }
    settings = " ".join(f"--set {key}={value}" for key, value in chosen.items())
    return {
        "name": imported.name,
        "source": imported.source,
        "prompt_set": prompt_set.id,
        "reward_set": imported.rewards.id,
        "rows": len(prompt_set.rows),
        "train": len(prompt_set.train_rows),
        "validation": len(prompt_set.validation_rows),
        "functions": [
            {"name": entry.name, "grader": entry.grader, "weight": entry.weight}
            for entry in imported.rewards.entries
        ],
        "remarks": list(imported.remarks),
        "unsupported": list(imported.unsupported),
        "launch": f"python -m rft_core launch {settings}",
    }
