"""Jailed program: load a user's source once, and call its reward functions.

What a call came to is data: values, what was given to `log_extra` and `log_metric`, or why it
failed, with the line in the user's source and the traceback from there on.
"""

import base64
import functools
import inspect
import itertools
import json
import linecache
import math
import numbers
import pathlib
import socket
import sys
import traceback
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rft_core.sandbox.programs.verl_call import call_for_verl, is_for_verl, take_scores

IS_WATCHED = False
FILENAME = "rewards.py"  # what the user's source is called in tracebacks
LONGEST_SHOWN = 200
LONGEST_CHAIN = 8  # of errors, each raised because of another
LONGEST_TEXT = 2000  # of a cell that a function logs
EVIDENCE = "evidence"  # the column whose cells may be longer, and pictures
MOST_EVIDENCE = 100_000  # characters of one piece: a picture of 75 kB
PICTURES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}

Namespace = dict[str, Any]
LOADED: dict[str, Namespace] = {}
INSTANCES: dict[type, Any] = {}  # of classes that are named as reward functions
CONVERSATIONAL: set[int] = set()  # ids of functions that were found to read messages
OWN = {"completions", "prompts", "completion_ids", "trainer_state", "log_extra", "log_metric"}
IS_REFUSED = "The sandbox refuses other programs, the network, and files outside its own folder"

# The fields of transformers' TrainerState; outside of training it stands at step 0 of 1.
STATE: dict[str, Any] = {
    "epoch": 0.0, "global_step": 0, "max_steps": 1, "num_train_epochs": 1, "logging_steps": 1,
    "eval_steps": 0, "save_steps": 0, "train_batch_size": None, "num_input_tokens_seen": 0,
    "total_flos": 0.0, "log_history": [], "best_metric": None, "best_global_step": None,
    "best_model_checkpoint": None, "is_local_process_zero": True, "is_world_process_zero": True,
    "is_hyper_param_search": False, "trial_name": None, "trial_params": None,
    "stateful_callbacks": {},
}  # fmt: skip


class Letter(str):
    """A completion's first or last: whoever asks it for "content" takes the text for messages."""

    def __new__(cls, sign: str, text: "Text") -> "Letter":
        letter = super().__new__(cls, sign)
        letter.text = text
        return letter

    text: "Text"

    def __getitem__(self, key: Any) -> str:
        if isinstance(key, str):
            self.text.is_misread = True
        return super().__getitem__(key)

    def __getattr__(self, name: str) -> Any:
        if name == "get":
            self.text.is_misread = True
        raise AttributeError(f"'str' object has no attribute '{name}'")


class Text(str):
    """A completion that notices being read as a list of messages."""

    is_misread = False

    def __getitem__(self, key: Any) -> str:
        sign = super().__getitem__(key)
        return Letter(sign, self) if key in (0, -1) else sign

    def __iter__(self) -> Iterator[str]:
        signs = super().__iter__()
        for first in itertools.islice(signs, 1):
            yield Letter(first, self)
        yield from signs


def score(source: str, function: str | None, keywords: str) -> dict[str, Any]:
    """{"values", "failure", "extras", "metrics"}; without a function only the source is loaded.

    `keywords` are JSON: `completions`, every column of the rows, and what is known of
    `trainer_state`.
    """
    extras: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    scores, failure = None, None
    try:
        module = load(source)
        if function is not None:
            scores = call(module, function, json.loads(keywords), extras, metrics)
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the user's too
        failure = describe(error, sorted(json.loads(keywords).keys() - OWN))
    return {"values": scores, "failure": failure, "extras": extras, "metrics": metrics}


def load(source: str) -> Namespace:
    """The namespace of the source, run once per process."""
    if source not in LOADED:
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        module = types.ModuleType("rewards")
        module.__file__ = str(pathlib.Path(FILENAME).absolute())
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
    if isinstance(function, type):
        if function not in INSTANCES:
            INSTANCES[function] = function()
        function = INSTANCES[function]
    count = len(keywords["completions"])
    known = keywords.get("trainer_state", {})
    keywords["trainer_state"] = types.SimpleNamespace(**{**STATE, **known})
    keywords["log_extra"] = lambda column, values: extras.update(to_cells(str(column), values))
    keywords["log_metric"] = lambda key, value: metrics.update({str(key): float(value)})
    if is_for_verl(parameters := inspect.signature(function).parameters):
        each, columns = functools.partial(run, function), sorted(keywords.keys() - OWN)
        result, beside = take_scores(call_for_verl(parameters, each, keywords, columns))
        extras.update({column: to_texts(cells) for column, cells in beside.items()})
    else:
        is_known = module.get("CONVERSATIONAL") or id(function) in CONVERSATIONAL
        result = answer(function, keywords, wants_messages=bool(is_known))
    if hasattr(result, "tolist"):  # a numpy array or a tensor
        result = result.tolist()
    if result is None or isinstance(result, str | bytes | dict) or not hasattr(result, "__iter__"):
        return {"not_a_list": type(result).__name__}
    return [encode(value) for value in itertools.islice(result, count + 1)]


def answer(function: Any, keywords: dict[str, Any], *, wants_messages: bool) -> Any:
    """What the function returns for texts, or for messages where it takes them for such."""
    texts = [Text(text) for text in keywords["completions"]]
    if not wants_messages:
        try:
            result = run(function, {**keywords, "completions": texts})
        except Exception:
            if not any(text.is_misread for text in texts):
                raise
        if not any(text.is_misread for text in texts):
            return result
        CONVERSATIONAL.add(id(function))
    messages = [[{"role": "assistant", "content": str(text)}] for text in texts]
    return run(function, {**keywords, "completions": messages})


def run(function: Any, keywords: dict[str, Any]) -> Any:
    result = function(**accepted(function, keywords))
    if inspect.iscoroutine(result):
        import asyncio  # a third of the time that a fork server takes to start

        result = asyncio.run(result)
    return result


def accepted(function: Any, keywords: dict[str, Any]) -> dict[str, Any]:
    """Those that it takes. Raises `TypeError` that names the columns there are."""
    parameters = inspect.signature(function).parameters.values()
    if isinstance(function, functools.partial):  # what is bound already is not the row's
        keywords = {n: value for n, value in keywords.items() if n not in function.keywords}
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (2, 4)]
    if missing := [name for name in needed if name not in keywords]:
        columns = sorted(keywords.keys() - OWN)
        there_are = f"the columns are {', '.join(columns)}" if columns else "there are no columns"
        raise TypeError(f"it asks for '{missing[0]}', which no row has: {there_are}")
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
    if not isinstance(value, numbers.Real):  # a bool is one, as it is for TRL
        return {"bad": "not_a_number", "shown": show(value)}
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    return number if math.isfinite(number) else {"bad": "not_finite", "shown": show(number)}


def to_cells(column: str, values: Any) -> dict[str, list[str]]:
    """What is logged under a name, a text for each completion."""
    if column != EVIDENCE:
        return {column: to_texts(values)}
    pieces = [values] if isinstance(values, str | bytes) else values
    return {column: [to_evidence(piece) for piece in pieces]}


def to_evidence(piece: Any) -> str:
    """A text, or a picture as a data URL: PNG, JPEG or GIF bytes, or what Jupyter shows as PNG."""
    if piece is None:
        return ""
    if hasattr(piece, "_repr_png_"):  # Pillow's images, and others that notebooks show
        piece = piece._repr_png_()
    if isinstance(piece, bytes):
        kind = next((kind for magic, kind in PICTURES.items() if piece.startswith(magic)), None)
        encoded = base64.b64encode(piece).decode()
        piece = f"data:image/{kind};base64,{encoded}" if kind else repr(piece[:LONGEST_SHOWN])
    text = piece if isinstance(piece, str) else _write(piece, str)
    if len(text) <= MOST_EVIDENCE:
        return text
    return f"(left out: {len(text):,} characters, and at most {MOST_EVIDENCE:,} are kept)"


def to_texts(values: Any) -> list[str]:
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        values = [values]
    return ["" if value is None else _cut(value) for value in values]


def _cut(value: Any) -> str:
    return value[:LONGEST_TEXT] if isinstance(value, str) else _write(value, str)


def show(value: Any) -> str:
    return f"{type(value).__name__} {_write(value, repr)}"


def _write(value: Any, write: Callable[[Any], str]) -> str:
    try:
        return write(value)[:LONGEST_SHOWN]
    except Exception as error:
        return f"<{type(value).__name__} whose {write.__name__} raises {type(error).__name__}>"


def describe(error: BaseException, columns: Sequence[str] = ()) -> dict[str, Any]:
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
        message += f". {IS_REFUSED}" if is_of_sandbox(error) else ""
        message += name_columns(error, columns)
    return failure(kind, message[:2000], line, text[:20_000])


def is_of_sandbox(error: BaseException | None) -> bool:
    """Whether elsewhere it might have worked: a file that is not there is hidden here.

    Libraries wrap what they were refused in errors of their own.
    """
    for _ in range(LONGEST_CHAIN):
        if isinstance(
            error, PermissionError | FileNotFoundError | ConnectionError | socket.gaierror
        ):
            return True
        reason = getattr(error, "reason", None)
        inner = reason if isinstance(reason, BaseException) else None
        context = None if error is None or error.__suppress_context__ else error.__context__
        error = error and (inner or error.__cause__ or context)
    return False


def name_columns(error: BaseException, columns: Sequence[str]) -> str:
    """Of a function that looks a column up that no row has: those that there are."""
    key = error.args[0] if isinstance(error, KeyError) and error.args else None
    if not isinstance(key, str) or not key.isidentifier() or key in columns or not columns:
        return ""
    return f". If it is meant as a column: no row has it. The columns are {', '.join(columns)}"


def failure(kind: str, message: str, line: int | None, text: str) -> dict[str, Any]:
    return {"kind": kind, "message": message, "line": line, "traceback": text}
