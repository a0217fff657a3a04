"""How commands speak: one JSON document, or lines for people; progress goes to stderr."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rft_core.errors import cannot_write
from rft_core.paths import CHOOSE_RUNS_DIR, get_runs_dir

if TYPE_CHECKING:
    from rft_core.store.sets import SetKind

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id, as `runs` lists it.")]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting; may be given several times."),
]
SET_COLUMNS = ("id", "name", "version", "task", "num_rows")
WIDTH_IN_PIPES = 160
LONGEST_NAME = 60  # characters of a metric's name in a list of facts


@contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM asks as Ctrl-C does: by `KeyboardInterrupt`. Ends the line of progress, too."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if sys.stderr.isatty():
            note("")


def check_targets(*paths: Path | None) -> None:
    """Before hours of work: `BadInputError` where one of these files could not be written."""
    for path in filter(None, paths):
        place = path if path.exists() else path.parent
        can_write = path.parent.is_dir() and os.access(place, os.W_OK)
        if path.is_dir() or not place.exists() or not can_write:
            kind = FileNotFoundError if not place.exists() else IsADirectoryError
            why = "It is a folder" if path.is_dir() else "You may not write there"
            raise cannot_write(path, kind(0, why), "Choose another file")


def print_json(value: Any) -> None:
    """Pure ASCII and no NaN: any JSON reader takes it, whatever a model wrote."""
    print(json.dumps(_finite(value), allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        first, *others = (printable(_cell(value)) for value in row)
        table.add_row(Text(_cut(first)), *map(Text, others))
    Console(width=None if sys.stdout.isatty() else WIDTH_IN_PIPES).print(table)


def print_facts(facts: Mapping[str, object]) -> None:
    """Name and value, a line each. Names that people chose are cut where they are too long."""
    width = min(max(map(len, facts), default=0), LONGEST_NAME)
    for name, value in facts.items():
        print(f"{_cut(printable(name)):<{width}}  {printable(_cell(value))}")


def note(text: str) -> None:
    """A line for people that is no result: progress, hints, warnings."""
    print(text, file=sys.stderr, flush=True)


def printable(text: str) -> str:
    """What a model wrote cannot move the cursor or break the terminal's encoding."""
    encoding = sys.stdout.encoding or "utf-8"
    safe = "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
    return safe.encode(encoding, "backslashreplace").decode(encoding)


def show_progress(progress: object) -> None:
    """For `on_progress` of the generation client: on a terminal only."""
    if sys.stderr.isatty():
        fraction = getattr(progress, "fraction", None)
        share = "" if fraction is None else f" {fraction:.0%}"
        print(f"\r\033[K{getattr(progress, 'message', '')}{share}", end="", file=sys.stderr)


def end_progress() -> None:
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)


def runs_dir() -> Path:
    """The runs folder in force, made if it is not there."""
    folder = get_runs_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error, CHOOSE_RUNS_DIR) from error
    return folder


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_finite(item) for item in value]
    return value


def print_sets(kind: SetKind, as_json: bool) -> None:
    """The stored sets of a kind, by the ids under which a run names them."""
    from rft_core.store.index import open_index
    from rft_core.store.sets import TITLES, list_sets

    with open_index(runs_dir()) as index:
        found = list_sets(index, kind)
    if as_json:
        print_json({f"{TITLES[kind].replace(' ', '_')}s": found})
        return
    print_table(SET_COLUMNS, [[one[column] for column in SET_COLUMNS] for one in found])
