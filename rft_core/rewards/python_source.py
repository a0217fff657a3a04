"""Read a user's reward source without running it: its functions, its weights, its mistakes.

Every public top-level function that takes `completions` (or any keyword) is a reward function, and
so are other callables, see `source_functions.py`; start the name of anything else with an
underscore. `WEIGHTS = {"name": 0.5}` at the top level, a plain literal, sets weights; the others
weigh 1.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.source_functions import list_reward_functions

LONGEST_SOURCE = 1_000_000

STARTER_SOURCE = '''\
"""Reward functions: each gets the completions and returns one number for each.

Return a list of numbers, or None where you cannot judge. A function may also ask for
`prompts` (lists of messages), `completion_ids`, any column of your rows by its name (a list, one
value per completion), `log_extra("reason", [...])` to explain its scores,
`log_extra("flag", [...])` to name tricks it caught ("" for none), and
`log_extra("evidence", [...])` to show a text or a picture (PNG bytes, Pillow) beside a score.
"""

WEIGHTS = {"short_thought": 0.2}  # the others weigh 1; 0 means: only logged


def has_answer(completions, **columns):
    """1 if there is exactly one answer block."""
    return [float(text.count("<answer>") == 1) for text in completions]


def short_thought(completions, log_extra, **columns):
    """1 up to 200 characters, less beyond."""
    log_extra("reason", [f"{len(text)} characters" for text in completions])
    return [min(1.0, 200 / max(1, len(text))) for text in completions]
'''


@dataclass(frozen=True)
class SourceReport:
    """What the editor shows beside the source. With an `error`, the rest is empty."""

    functions: tuple[str, ...] = ()
    weights: Mapping[str, float] | None = None
    error: str | None = None
    error_line: int | None = None


def inspect_source(source: str) -> SourceReport:
    """The reward functions of a source, or its first mistake with the line."""
    if len(source) > LONGEST_SOURCE:
        return SourceReport(error=f"The source has {len(source):,} characters, too many.")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        return SourceReport(error=f"SyntaxError: {error.msg}", error_line=error.lineno)
    except (ValueError, RecursionError, MemoryError) as error:
        return SourceReport(error=f"The source cannot be read: {error or type(error).__name__}")
    functions = list_reward_functions(tree)
    if not functions:
        return SourceReport(error="No function takes `completions`: define one that does.")
    try:
        return SourceReport(functions, _read_weights(tree, functions))
    except _WeightsError as error:
        return SourceReport(error=str(error), error_line=error.line)


def list_needed_arguments(source: str, function: str) -> tuple[str, ...]:
    """The arguments without a default of a top-level function; () where it cannot be read."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function:
            given = [*node.args.posonlyargs, *node.args.args]
            given = given[: len(given) - len(node.args.defaults)]
            named = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return (
                *(argument.arg for argument in given),
                *(argument.arg for argument, default in named if default is None),
            )
    return ()


def reward_set_from_source(
    source: str, name: str = "", weights: Mapping[str, float] | None = None
) -> RewardSet:
    """All reward functions of the source as a set; `weights` wins over the source's WEIGHTS.

    Raises `BadInputError` that names the line where the source cannot be used.
    """
    report = inspect_source(source)
    if report.error:
        where = "" if report.error_line is None else f" in line {report.error_line}"
        raise BadInputError(
            f"The reward source has a mistake{where}", report.error, "Correct it and save it again"
        )
    chosen = {**(report.weights or {}), **(weights or {})}
    unknown = sorted(set(chosen) - set(report.functions))
    if unknown:
        raise BadInputError(
            f"There is a weight for '{unknown[0]}', but no such reward function",
            "",
            f"The functions are {', '.join(report.functions)}",
        )
    entries = tuple(
        RewardEntry(function, PYTHON_GRADER, chosen.get(function, 1.0), source=source)
        for function in report.functions
    )
    return RewardSet(entries, name)


class _WeightsError(ValueError):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _read_weights(tree: ast.Module, functions: tuple[str, ...]) -> dict[str, float]:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if not any(isinstance(target, ast.Name) and target.id == "WEIGHTS" for target in targets):
            continue
        assert isinstance(node, ast.Assign)
        try:
            weights = ast.literal_eval(node.value)
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            weights = None
        if not isinstance(weights, dict) or not all(map(_is_weight, weights.values())):
            raise _WeightsError("WEIGHTS must be a literal of names and numbers.", node.lineno)
        for name in weights:
            if name not in functions:
                raise _WeightsError(f"WEIGHTS names '{name}', which is no function.", node.lineno)
        return {name: float(weight) for name, weight in weights.items()}
    return {}


def _is_weight(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
