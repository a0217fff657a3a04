"""The jailed side of a session: call functions of one of our programs, beside the candidate's code.

The fork server runs a program's source once, before any candidate exists; each forked process then
has the program's functions at hand. A program compiles the candidate's source under the file name
`CANDIDATE`, which it finds among its globals, so that errors can name the line. Whatever it raises
counts as the candidate's error: the candidate shares this process and could make it raise.
"""

import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rft_core.sandbox.inside import values
from rft_core.sandbox.inside.watch import Watch
from rft_core.sandbox.jail.jail import DEVICES, PROC_SELF, SYSTEM_FILES, get_python_folders

CANDIDATE = "candidate.py"
PROGRAM = "program.py"
LONGEST_DETAIL = 1000

Namespace = dict[str, Any]


def load(source: str) -> Namespace:
    """The namespace of a trusted program, with `CANDIDATE` in it."""
    namespace: Namespace = {"__name__": "program", "CANDIDATE": CANDIDATE}
    exec(compile(source, PROGRAM, "exec"), namespace)  # noqa: S102 -- one of our own files
    return namespace


def start(program: Namespace) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """What answers the requests for this program, from within the jail."""
    folders = get_python_folders()
    watch = Watch([*SYSTEM_FILES, *DEVICES, PROC_SELF, *folders], folders, PROGRAM)
    return partial(answer_request, program, watch)


def answer_request(program: Namespace, watch: Watch, request: Mapping[str, Any]) -> dict[str, Any]:
    """{"outcome", "value", "detail", "blocked"}: what the function returned, or how it failed."""
    try:
        answer = call(program[request["call"]], request["arguments"])
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the candidate's too
        outcome = "oom" if is_out_of_memory(error) else "candidate_error"
        answer = {"outcome": outcome, "value": None, "detail": describe(error)}
    return {**answer, "blocked": sorted(watch.attempts)}


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
