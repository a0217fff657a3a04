"""The child's side: load a user's source once, call its functions, answer in JSON frames.

Started by `executor.py` as a script (`python -I -B child.py ...`); standard library only, so that
it starts in tens of milliseconds. Frames are a 4-byte length and JSON, on pipes of their own:
whatever the user's code prints goes elsewhere. Every request gets exactly one answer.
"""

import asyncio
import contextlib
import ctypes
import inspect
import io
import itertools
import json
import linecache
import math
import numbers
import os
import resource
import signal
import struct
import sys
import traceback
import types
from pathlib import Path
from typing import Any

FILENAME = "rewards.py"  # what the user's source is called in tracebacks
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
LONGEST_SHOWN = 200

Namespace = dict[str, Any]


def main() -> None:
    request_fd, answer_fd, memory_bytes, file_bytes = (int(text) for text in sys.argv[1:5])
    protections = protect(memory_bytes, file_bytes)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    os.set_inheritable(request_fd, False)
    os.set_inheritable(answer_fd, False)
    write_frame(answer_fd, {"protections": protections})
    modules: dict[str, Namespace] = {}
    while (request := read_frame(request_fd)) is not None:
        answer = answer_request(modules, request)
        sys.stdout.flush()
        sys.stderr.flush()
        write_frame(answer_fd, answer)


def protect(memory_bytes: int, file_bytes: int) -> list[str]:
    """Apply the limits; say which of the optional layers hold."""
    for limit, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 256),
    ):
        resource.setrlimit(limit, (value, value))
    if not sys.platform.startswith("linux"):
        return []
    with contextlib.suppress(OSError):  # when memory runs out, this one goes, not its parent
        Path("/proc/self/oom_score_adj").write_text("1000")
    libc = ctypes.CDLL(None, use_errno=True)
    held = []
    # A network namespace of its own has no interface up; without root it needs a user namespace.
    if libc.unshare(CLONE_NEWNET) == 0 or libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0:
        held.append("no_network")
    # After unshare, which clears it. A parent that is already gone shows as the end of its pipe.
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        held.append("no_new_privs")
    return held


def answer_request(modules: dict[str, Namespace], request: dict[str, Any]) -> dict[str, Any]:
    """{"values": [...]} on success, {"failure": {...}} otherwise; extras and metrics in both.

    A request without a function only loads the source.
    """
    extras: dict[str, list[str]] = {}
    metrics: dict[str, float] = {}
    try:
        module = load(modules, request["source"])
        answer: dict[str, Any] = {"values": None}
        if request["function"] is not None:
            answer["values"] = call(
                module, request["function"], request["keywords"], extras, metrics
            )
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the user's too
        answer = {"failure": describe(error)}
    return {**answer, "extras": extras, "metrics": metrics}


def load(modules: dict[str, Namespace], source: str) -> Namespace:
    """The namespace of the source, run once per child."""
    if source not in modules:
        linecache.cache[FILENAME] = (len(source), None, source.splitlines(keepends=True), FILENAME)
        module = types.ModuleType("rewards")
        sys.modules["rewards"] = module  # dataclasses and pickling look the module up
        exec(compile(source, FILENAME, "exec"), module.__dict__)  # noqa: S102 -- the whole point
        modules[source] = module.__dict__
    return modules[source]


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
    return ["" if v is None else v[:2000] if isinstance(v, str) else show(v) for v in values]


def show(value: Any) -> str:
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__} whose repr raises {type(error).__name__}>"
    return f"{type(value).__name__} {text[:LONGEST_SHOWN]}"


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
    if isinstance(error, ModuleNotFoundError):
        message = f"it imports '{error.name}', which is not installed in this environment"
    elif isinstance(error, SystemExit):
        message = "it called sys.exit()"
    else:
        message = traceback.format_exception_only(error)[-1].strip()
    return failure("exception", message[:2000], line, text[:20_000])


def failure(kind: str, message: str, line: int | None, text: str) -> dict[str, Any]:
    return {"kind": kind, "message": message, "line": line, "traceback": text}


def read_frame(fd: int) -> Any:
    header = read_exactly(fd, 4)
    if header is None:
        return None
    body = read_exactly(fd, struct.unpack(">I", header)[0])
    return None if body is None else json.loads(body)


def read_exactly(fd: int, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        part = os.read(fd, min(count - len(data), 1 << 20))
        if not part:
            return None
        data += part
    return bytes(data)


def write_frame(fd: int, value: Any) -> None:
    body = json.dumps(value).encode()
    view = memoryview(struct.pack(">I", len(body)) + body)
    while view:
        view = view[os.write(fd, view) :]


if __name__ == "__main__":
    main()
