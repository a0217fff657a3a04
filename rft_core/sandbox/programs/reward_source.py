"""Jailed program: load a user's source once, and call its reward functions.

What a call came to is data: values, what was given to `log_extra` and `log_metric`, or why it
failed, with the line in the user's source and the traceback from there on.
"""

import inspect
import itertools
import json
import linecache
import math
import numbers
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

IS_WATCHED = False
FILENAME = "rewards.py"  # what the user's source is called in tracebacks
LONGEST_SHOWN = 200

Namespace = dict[str, Any]
LOADED: dict[str, Namespace] = {}


def score(source: str, function: str | None, keywords: str) -> dict[str, Any]:
    """{"values", "failure", "extras", "metrics"}; without a function only the source is loaded.

    `keywords` are JSON: `completions` and every column of the rows, and `global_step`.
    """
    extras: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    scores, failure = None, None
    try:
        module = load(source)
        if function is not None:
            scores = call(module, function, json.loads(keywords), extras, metrics)
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the user's too
        failure = describe(error)
    return {"values": scores, "failure": failure, "extras": extras, "metrics": metrics}


def load(source: str) -> Namespace:
    """The namespace of the source, run once per process."""
    if source not in LOADED:
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        module = types.ModuleType("rewards")
        sys.modules["rewards"] = module  # dataclasses and pickling look the module up
        exec(compile(source, FILENAME, "exec", dont_inherit=True), module.__dict__)  # noqa: S102
        LOADED[source] = module.__dict__
    return LOADED[source]


def call(
    module: Namespace,
    name: str,
    keywords: dict[str, Any],
    extras: dict[str, list[str]],
    metrics: dict[str, float],
) -> Any:
    """Call the function with the keywords that it accepts; a list of plain values."""
    function = module.get(name)
    if not callable(function):
        raise NameError(f"the source defines no function named '{name}'")
    count = len(keywords["completions"])
    if module.get("CONVERSATIONAL"):
        messages = [[{"role": "assistant", "content": text}] for text in keywords["completions"]]
        keywords = {**keywords, "completions": messages}
    step = keywords.pop("global_step")
    keywords["trainer_state"] = None if step is None else types.SimpleNamespace(global_step=step)
    keywords["log_extra"] = lambda column, values: extras.update({str(column): to_texts(values)})
    keywords["log_metric"] = lambda key, value: metrics.update({str(key): float(value)})
    result = function(**accepted(function, keywords))
    if inspect.iscoroutine(result):
        import asyncio  # a third of the time that a fork server takes to start

        result = asyncio.run(result)
    if hasattr(result, "tolist"):  # a numpy array or a tensor
        result = result.tolist()
    if result is None or isinstance(result, str | bytes | dict) or not hasattr(result, "__iter__"):
        return {"not_a_list": type(result).__name__}
    return [encode(value) for value in itertools.islice(result, count + 1)]


def accepted(function: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return keywords
    names = {parameter.name for parameter in parameters}
    return {name: value for name, value in keywords.items() if name in names}


def encode(value: Any) -> Any:
    """None, a float, or {"bad": kind, "shown": text} for what is no finite number."""
    if value is None:
        return None
    if hasattr(value, "item") and hasattr(value, "dtype"):  # numpy and torch scalars
        try:
            value = value.item()
        except (ValueError, RuntimeError):
            return {"bad": "not_a_number", "shown": show(value)}
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return {"bad": "not_a_number", "shown": show(value)}
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else {"bad": "not_finite", "shown": show(number)}


def to_texts(values: Any) -> list[str]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        values = [values]
    return ["" if v is None else v[:2000] if isinstance(v, str) else _write(v, str) for v in values]


def show(value: Any) -> str:
    return f"{type(value).__name__} {_write(value, repr)}"


def _write(value: Any, write: Callable[[Any], str]) -> str:
    try:
        return write(value)[:LONGEST_SHOWN]
    except Exception as error:
        return f"<{type(value).__name__} whose {write.__name__} raises {type(error).__name__}>"


def describe(error: BaseException) -> dict[str, Any]:
    """Kind, message, line in the user's source and the traceback from there on."""
    if isinstance(error, SyntaxError) and error.filename == FILENAME:
        text = "".join(traceback.format_exception_only(error))
        return failure("syntax", f"SyntaxError: {error.msg}", error.lineno, text)
    frames = traceback.extract_tb(error.__traceback__)
    starts = [index for index, frame in enumerate(frames) if frame.filename == FILENAME]
    line = frames[starts[-1]].lineno if starts else None
    shown = frames[starts[0] :] if starts else []
    text = "".join(traceback.format_list(shown) + traceback.format_exception_only(error))
    kind = "memory" if isinstance(error, MemoryError) else "exception"
    if isinstance(error, ModuleNotFoundError):
        message = f"it imports '{error.name}', which is not installed in this environment"
    elif isinstance(error, SystemExit):
        message = "it called sys.exit()"
    else:
        message = traceback.format_exception_only(error)[-1].strip()
    return failure(kind, message[:2000], line, text[:20_000])


def failure(kind: str, message: str, line: int | None, text: str) -> dict[str, Any]:
    return {"kind": kind, "message": message, "line": line, "traceback": text}
