"""What the functions of an exported module share. Its text is copied there; nothing imports it."""

import functools as _functools
import inspect as _inspect
import math as _math
import sys as _sys
from typing import Any as _Any


def _for_trl(function: _Any) -> _Any:
    """Called as TRL calls it: texts or messages, and every column as a keyword."""

    @_functools.wraps(function)
    def call(completions: list[_Any], **columns: _Any) -> _Any:
        texts = [text if isinstance(text, str) else text[-1]["content"] for text in completions]
        return _call(function, texts, columns)

    return call


def _call(function: _Any, completions: list[str], columns: dict[str, _Any]) -> _Any:
    """Only with the keywords that it accepts; with messages where it cannot read texts."""
    messages = [[{"role": "assistant", "content": text}] for text in completions]
    own: dict[str, _Any] = {"completion_ids": [], "trainer_state": None}
    own |= {"log_extra": _ignore, "log_metric": _ignore}
    keywords = own | columns | {"completions": completions}
    parameters = _inspect.signature(function).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        keywords = {name: keywords[name] for name in parameters if name in keywords}
    if not function.__globals__.get("CONVERSATIONAL"):
        try:
            return function(**keywords)
        except (TypeError, AttributeError) as error:
            if "indices" not in str(error) and "'get'" not in str(error):
                raise
    return function(**{**keywords, "completions": messages})


def _ignore(*_: _Any) -> None:
    """Stands in for log_extra and log_metric where there is none."""


def _member(module: str, function: str) -> _Any:
    return getattr(_sys.modules[module], function)


def _grade(
    grade: _Any, options: dict[str, _Any], completions: list[str], columns: dict[str, _Any]
) -> list[float | None]:
    """A built-in grader, asked for one completion and its row at a time."""
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    ids = lists.get("completion_ids")
    wants_length = ids and "num_tokens" in _inspect.signature(grade).parameters
    grades = []
    for index, completion in enumerate(completions):
        row = {name: values[index] for name, values in lists.items() if values}
        length = {"num_tokens": len(ids[index])} if ids and wants_length else {}
        grades.append(grade(completion, row, **options, **length))
    log_extra = columns.get("log_extra") or _ignore
    log_extra("reason", [grade.reason for grade in grades])
    log_extra("flag", [", ".join(grade.flags) for grade in grades])
    return [grade.score for grade in grades]


def _grade_one(
    grade: _Any, options: dict[str, _Any], completions: list[str], columns: dict[str, _Any]
) -> list[float | None]:
    """A grader that has a time limit for each completion, and looks at one column at most."""
    column = columns.get(options.get("column", ""))
    values = column if isinstance(column, list) and column else [None] * len(completions)
    grades = [grade(*pair, options) for pair in zip(completions, values, strict=True)]
    log_extra = columns.get("log_extra") or _ignore
    log_extra("reason", [reason for _, reason, _ in grades])
    log_extra("flag", [flag for _, _, flag in grades])
    return [score for score, _, _ in grades]


def _combine(
    compute: _Any, functions: tuple[_Any, ...], completions: list[str], columns: dict[str, _Any]
) -> list[float | None]:
    """A score made of other functions' scores; None where one of them could not judge."""
    columns_of_scores = [_call(function, completions, columns) for function in functions]
    scores: list[float | None] = []
    for parts in zip(*columns_of_scores, strict=True):
        try:
            value = None if None in parts else float(compute(*parts))
        except (ArithmeticError, ValueError, TypeError):
            value = None
        scores.append(value if value is not None and _math.isfinite(value) else None)
    return scores
