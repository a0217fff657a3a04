"""Score a file of completions: the engine of `score TASK --input F.jsonl --output G.jsonl`.

Each line `{"row": {...}, "completion": "..."}` becomes, in order, one line `{"scores", "reward",
"flags", "reasons"}`. A bad line stops everything before anything is written.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from rft_core.errors import BadInputError, cannot_read, cannot_write
from rft_core.rewards.completion_text import parse_strict_json
from rft_core.rewards.contract import Batch, FunctionReport, RewardSet, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.types import Messages, Row

BATCH_SIZE = 256

PromptOf = Callable[[Row], Messages]
CheckRow = Callable[[Row], None]


def score_file(
    source: Path, output: Path, reward_set: RewardSet, prompt_of: PromptOf, check_row: CheckRow
) -> tuple[FunctionReport, ...]:
    """Score `source` into `output`; the reports of the batches in which a function failed.

    `check_row` raises `BadInputError` for a row that the task cannot use. Raises `BadInputError`
    that names the line, and `RftError` where every function is refused on this machine; then
    `output` stays as it was.
    """
    lines = read_lines(source, check_row)
    failures: list[FunctionReport] = []
    with Scorer(reward_set) as scorer, _writing(output) as file:
        scorer.require_sandbox()
        for batch in _batches(lines, prompt_of):
            scoring = scorer.score(batch)
            failures += [report for report in scoring.reports if report.error]
            file.writelines(json.dumps(as_json(sample)) + "\n" for sample in scoring.samples)
    return tuple(failures)


def read_lines(source: Path, check_row: CheckRow) -> list[tuple[Row, str]]:
    """The rows and completions of a JSONL file; empty lines are skipped."""
    try:
        text = source.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise cannot_read(source, error) from error
    pairs = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            pairs.append(_read_line(line, check_row))
        except BadInputError as error:
            raise BadInputError(f"Line {number}: {error.what}", error.why, error.fix) from error
    return pairs


def as_json(sample: Scored) -> dict[str, Any]:
    """One line of the output."""
    return {
        "scores": dict(sample.scores),
        "reward": sample.reward,
        "flags": list(sample.flags),
        "reasons": dict(sample.reasons),
    }


@contextmanager
def _writing(output: Path) -> Iterator[TextIO]:
    """A file beside `output` that takes its place when all went well, and else vanishes."""
    partial = output.parent / f"{output.name}.partial"
    try:
        if output.exists() and not output.is_file():
            raise OSError(errno.EINVAL, "It is a folder or a device")
        with partial.open("w", encoding="utf-8") as file:
            yield file
        partial.replace(output)
    except OSError as error:
        raise cannot_write(output, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _read_line(line: str, check_row: CheckRow) -> tuple[Row, str]:
    wanted = 'a line is {"row": {...}, "completion": "..."}'
    try:
        value = parse_strict_json(line)
    except (ValueError, RecursionError) as error:
        raise BadInputError("this is not JSON", str(error) or type(error).__name__) from error
    if not isinstance(value, dict):
        raise BadInputError("this is not an object", wanted)
    row, completion = value.get("row"), value.get("completion")
    if not isinstance(row, dict):
        raise BadInputError("'row' is missing or not an object", wanted)
    if not isinstance(completion, str):
        raise BadInputError("'completion' is missing or not text", wanted)
    check_row(row)
    return row, completion


def _batches(lines: Sequence[tuple[Row, str]], prompt_of: PromptOf) -> Iterator[Batch]:
    for start in range(0, len(lines), BATCH_SIZE):
        part = lines[start : start + BATCH_SIZE]
        yield Batch(
            prompts=[prompt_of(row) for row, _ in part],
            completions=[completion for _, completion in part],
            rows=[row for row, _ in part],
        )
