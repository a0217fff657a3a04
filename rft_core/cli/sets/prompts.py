"""Commands about prompt sets: import a file as one, list those that are stored, show one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.cli.file_options import check_columns
from rft_core.cli.output import (
    AsJson,
    note,
    print_facts,
    print_json,
    print_sets,
    printable,
    runs_dir,
)

if TYPE_CHECKING:
    from rft_core.data import PromptSet
    from rft_core.data.row_forms import Adopted

SHOWN = 3
Share = Annotated[
    float | None,
    typer.Option(metavar="SHARE", help="For validation: 0.1 of the rows, or 16 of them."),
]
Mapped = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="FIELD=COLUMN",
        help="A field's column, or a value in one: answer=reward_model.ground_truth. May be given "
        "several times.",
    ),
]
SystemTemplate = Annotated[
    str | None, typer.Option(metavar="TEMPLATE", help="A system template of your own.")
]
UserTemplate = Annotated[
    str | None,
    typer.Option(
        metavar="TEMPLATE",
        help="A user template of your own; '{{ messages }}' asks chats as they are.",
    ),
]


def register(app: typer.Typer) -> None:
    prompts = typer.Typer(help="Prompt sets, made of files of your own.", rich_markup_mode=None)
    prompts.command("import")(import_prompts)
    prompts.command("list")(list_prompts)
    prompts.command("show")(show)
    app.add_typer(prompts, name="prompts")


def import_prompts(
    file: Annotated[Path, typer.Argument(help="Rows or chats: CSV, JSON, JSON lines, Parquet.")],
    *,
    task: Annotated[str, typer.Option(help="What the rows are for: see `tasks`; or custom.")],
    name: Annotated[str, typer.Option(help="A name for people; empty: the file's.")] = "",
    validation: Share = None,
    mapped: Mapped = None,
    system: SystemTemplate = None,
    user: UserTemplate = None,
    seed: Annotated[int, typer.Option(help="Which rows are for validation.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Read a file as the Prompts page does, store its prompts, and print the id of the set."""
    from rft_core.data import PromptTemplate, read_table
    from rft_core.jobs.pinning import store_prompt_set
    from rft_core.store.index import open_index
    from rft_core.tasks.prompt_import import adopt_prompts, get_fields, suggest_plan
    from rft_core.tasks.row_check import check_prompt_set

    columns = _read_mapping(mapped or [], [field.name for field in get_fields(task)])
    adopted = adopt_prompts(read_table(file), task)
    plan = suggest_plan(adopted.table, task, columns)
    check_columns(plan, adopted.table, file)
    template = PromptTemplate(
        plan.template.system if system is None else system,
        plan.template.user if user is None else user,
    )
    share = plan.validation if validation is None else validation
    plan = replace(plan, template=template, validation=share, seed=seed)
    made = plan.build(adopted.table, name.strip() or file.stem)
    with open_index(runs_dir()) as index:
        store_prompt_set(index, made)
    checked = check_prompt_set(made)
    if as_json:
        unscorable = len(checked.unscorable) if checked else 0
        found = {"left_out": list(adopted.left_out), "unscorable": unscorable}
        print_json(_count(made) | found)
        return
    _explain(made, adopted)
    for problem in checked.list_problems() if checked else ():
        note(f"Warning: {problem}")
    print(made.id)


def list_prompts(as_json: AsJson = False) -> None:
    """The stored prompt sets, which `--set prompt_set=` names."""
    print_sets("prompts", as_json)


def show(
    prompt_set: Annotated[str, typer.Argument(metavar="ID", help="As `list` has it.")],
    limit: Annotated[
        int | None, typer.Option(min=0, help="So many prompts; with --json all by default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What is in a prompt set: its template, its split, and its prompts as messages."""
    from rft_core.data import PromptSet
    from rft_core.store.index import open_index
    from rft_core.store.sets import get_set

    with open_index(runs_dir()) as index:
        stored = PromptSet.from_json(get_set(index, "prompts", prompt_set).content)
    if as_json:
        print_json(_count(stored) | _describe(stored) | {"prompts": _list_shown(stored, limit)})
        return
    print_facts(
        {"name": stored.name, "task": stored.task, "from": stored.source}
        | {name: count for name, count in _count(stored).items() if name != "prompt_set"}
        | {"system template": stored.template.system, "user template": stored.template.user}
    )
    for number, shown in enumerate(_list_shown(stored, SHOWN if limit is None else limit), start=1):
        print(f"\n--- {number} ({shown['split']})")
        print(printable("\n".join(f"{m['role']}: {m['content']}" for m in shown["messages"])))


def _read_mapping(pairs: Sequence[str], fields: Sequence[str]) -> dict[str, str]:
    from rft_core.errors import BadInputError

    columns = dict(pair.partition("=")[::2] for pair in pairs)
    for field, column in columns.items():
        if not column or (fields and field not in fields):
            raise BadInputError(
                f"'{field}={column}' does not say which column is which field",
                f"The task has {', '.join(fields)}" if fields else "",
                "Write FIELD=COLUMN, such as answer=reward_model.ground_truth",
            )
    return columns


def _count(prompts: PromptSet) -> dict[str, Any]:
    return {
        "prompt_set": prompts.id,
        "rows": len(prompts.rows),
        "train": len(prompts.train_rows),
        "validation": len(prompts.validation_rows),
    }


def _describe(prompts: PromptSet) -> dict[str, Any]:
    return {
        "name": prompts.name,
        "task": prompts.task,
        "source": prompts.source,
        "created_at": prompts.created_at,
        "template": {"system": prompts.template.system, "user": prompts.template.user},
        "columns": dict(prompts.mapping.columns),
        "seed": prompts.split.seed,
    }


def _list_shown(prompts: PromptSet, limit: int | None) -> list[dict[str, Any]]:
    held_out = set(prompts.split.validation)
    rows = prompts.rows[:limit]
    return [
        {"split": "validation" if at in held_out else "train", "row": row, "messages": messages}
        for at, (row, messages) in enumerate(zip(rows, prompts.prompts(rows), strict=True))
    ]


def _explain(made: PromptSet, adopted: Adopted) -> None:
    from rft_core.data.template import WHOLE_CHAT
    from rft_core.tasks.prompt_import import has_chats

    for words in filter(None, (adopted.notice, adopted.remark)):
        note(words)
    if made.template.asks_chats and made.template.user.strip() != WHOLE_CHAT:
        note("The template's words are added to what is asked last: --user to write others.")
    elif has_chats(adopted.table) and not made.template.asks_chats:
        note("The chats are not asked, the template writes prompts: --user '{{ messages }}' does.")
    mapped = ", ".join(f"{field} from '{column}'" for field, column in made.mapping.columns.items())
    if mapped:
        note(f"Columns: {mapped}.")
    note(
        f"{len(made.rows):,} prompts: {len(made.train_rows):,} for training, "
        f"{len(made.validation_rows):,} for validation. Use them: "
        f"launch --task {made.task or 'custom'} --set prompt_set={made.id}"
    )
