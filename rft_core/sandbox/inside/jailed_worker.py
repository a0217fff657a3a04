"""The jailed side of a session: call functions of one of our programs, beside other people's code.

The fork server has imported the program before any such code existed; each forked process has its
functions at hand. Runs in a process that `server_process.py` forked and `jail.py` locked in, so
nothing here is a protection: the code it runs shares its memory and may forge its answers, which
are data for the parent to check. Every request gets exactly one answer. Whatever a program raises
counts as the candidate's error: the candidate shares this process and could make it raise. What is
printed goes to a pipe of its own.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from types import ModuleType
from typing import Any

from rft_core.sandbox import wire
from rft_core.sandbox.inside import values
from rft_core.sandbox.inside.attempt_watch import AttemptWatch
from rft_core.sandbox.jail.jail import DEVICES, PROC_SELF, SYSTEM_FILES, get_python_folders

CANDIDATE = "candidate.py"  # what a candidate's source is called in tracebacks
LONGEST_DETAIL = 1000
OURS = os.path.dirname(os.path.dirname(os.path.abspath(wire.__file__))) + os.sep  # noqa: PTH100, PTH120

Answerer = Callable[[dict[str, Any]], dict[str, Any]]


def hello(answer_fd: int, refusal: str = "") -> None:
    """The first frame: the jail is closed, or why it could not be."""
    wire.write_frame(answer_fd, {"refusal": refusal})


def serve(request_fd: int, answer_fd: int, answer: Answerer) -> None:
    """Answer requests until the parent closes its end."""
    # Anew: the streams that the fork server left know its own log file, not this process's pipe.
    out = open(1, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    err = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = out, err
    while (request := wire.read_frame(request_fd)) is not None:
        reply = answer(request)
        for stream in (out, err):
            with suppress(ValueError):  # the code has closed it
                stream.flush()
        wire.write_frame(answer_fd, reply)


def start(program: ModuleType) -> Answerer:
    """What answers the requests for this program, from within the jail.

    A program with a false `IS_WATCHED` is spared the watch on what is attempted beside it.
    """
    attempts: set[str] = set()
    if getattr(program, "IS_WATCHED", True):
        folders = get_python_folders()
        watch = AttemptWatch([*SYSTEM_FILES, *DEVICES, PROC_SELF, *folders], folders, OURS)
        attempts = watch.attempts
    return partial(answer_request, program, attempts)


def answer_request(
    program: ModuleType, attempts: set[str], request: Mapping[str, Any]
) -> dict[str, Any]:
    """{"outcome", "value", "detail", "blocked"}: what the function returned, or how it failed."""
    try:
        answer = call(getattr(program, request["call"]), request["arguments"])
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the candidate's too
        outcome = "oom" if is_out_of_memory(error) else "candidate_error"
        answer = {"outcome": outcome, "value": None, "detail": describe(error)}
    return {**answer, "blocked": sorted(attempts)}


def call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: values.decode(argument) for name, argument in arguments.items()}
    return {"outcome": "ok", "value": values.encode(function(**given)), "detail": ""}


def is_out_of_memory(error: BaseException) -> bool:
    torch_says = type(error) is RuntimeError and "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or torch_says


def describe(error: BaseException) -> str:
    """As in "NameError: name 'x' is not defined (line 3)": the candidate's line, not ours."""
    if isinstance(error, SystemExit):
        return "it called sys.exit()"
    text = traceback.format_exception_only(error)[-1].strip()[:LONGEST_DETAIL]
    if isinstance(error, SyntaxError):
        line = error.lineno if error.filename == CANDIDATE else None
        text = f"{type(error).__name__}: {error.msg}"
    else:
        frames = traceback.walk_tb(error.__traceback__)
        lines = [line for frame, line in frames if frame.f_code.co_filename == CANDIDATE]
        line = lines[-1] if lines else None
    return f"{text} (line {line})" if line else text
