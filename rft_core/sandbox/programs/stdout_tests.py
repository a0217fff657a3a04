"""Jailed program: run a candidate's program anew with one test's standard input.

It runs as `python candidate.py` would: it is the module `__main__`, stands in a file, has no
arguments, and ends when its threads and what it registered for its end have run. What it prints
goes to the parent through the pipe that all prints go through, so every way of printing counts, and
of reading too: standard input is a file. Standard error goes nowhere. Leaving with sys.exit() or
sys.exit(0) is a normal end.
"""

import atexit
import os
import sys
import threading
import types
from contextlib import suppress
from typing import Any

from rft_core.sandbox.inside.jailed_worker import CANDIDATE
from rft_core.sandbox.programs.candidate_code import (
    compile_candidate,
    give_whole_depth,
    import_libraries,
)

__all__ = ["import_libraries", "run"]


def run(source: str, stdin: str) -> None:
    code = compile_candidate(source)
    main = _provide_module(source)
    _provide_input(stdin)
    _drop_complaints()
    out, pipe = sys.stdout, os.dup(1)
    for name, stream in (("__stdout__", out), ("__stdin__", sys.stdin)):
        setattr(sys, name, stream)
    sys.argv = [CANDIDATE]
    atexit._clear()
    give_whole_depth()
    try:
        _run_to_its_end(code, main)
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise RuntimeError(f"it left with exit code {ending.code!r}") from ending
    finally:  # programs may close or replace their output; the next run has it anew
        for stream in (sys.stdout, out):
            with suppress(ValueError, AttributeError):
                stream.flush()
        sys.stdout = out
        os.dup2(pipe, 1)
        os.close(pipe)


def _provide_module(source: str) -> dict[str, Any]:
    """The names of a fresh `__main__`, whose file holds the source."""
    module = types.ModuleType("__main__")
    module.__file__ = os.path.abspath(CANDIDATE)  # noqa: PTH100
    with suppress(OSError), open(CANDIDATE, "w", errors="surrogatepass") as file:  # noqa: PTH123
        file.write(source)
    sys.modules["__main__"] = module
    return module.__dict__


def _run_to_its_end(code: types.CodeType, main: dict[str, Any]) -> None:
    """As Python ends a program: it waits for pools and threads, then calls what is registered."""
    try:
        exec(code, main)  # noqa: S102
    finally:
        if pools := sys.modules.get("concurrent.futures.thread"):
            pools._python_exit()
            pools._shutdown = False  # type: ignore[attr-defined]
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()
        atexit._run_exitfuncs()


def _provide_input(text: str) -> None:
    """A file, not a pipe: it holds any amount, and `open(0)` and `sys.stdin.buffer` work too."""
    fd = os.open("stdin.txt", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.unlink("stdin.txt")  # noqa: PTH108 -- gone before the candidate could see it
    with open(fd, "wb", closefd=False) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
    os.lseek(fd, 0, os.SEEK_SET)
    if fd != 0:  # it is 0 where the run before closed its own
        os.dup2(fd, 0)
        os.close(fd)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115


def _drop_complaints() -> None:
    fd = os.open(os.devnull, os.O_WRONLY)
    os.dup2(fd, 2)
    os.close(fd)
