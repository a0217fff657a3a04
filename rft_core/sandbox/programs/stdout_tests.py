"""Jailed program: run a candidate's program anew with one test's standard input.

What it prints goes to the parent through the pipe that all prints go through, so every way of
printing counts, and of reading too: standard input is a file. Standard error goes nowhere. Leaving
with sys.exit() or sys.exit(0) is a normal end.
"""

import os
import sys
from contextlib import suppress

from rft_core.sandbox.programs.candidate_code import compile_candidate, import_libraries

__all__ = ["import_libraries", "run"]


def run(source: str, stdin: str) -> None:
    code = compile_candidate(source)
    _provide_input(stdin)
    _drop_complaints()
    out, pipe = sys.stdout, os.dup(1)
    try:
        exec(code, {"__name__": "__main__", "__builtins__": __builtins__})  # noqa: S102
    except SystemExit as ending:
        if ending.code not in (None, 0):
            raise RuntimeError(f"it left with exit code {ending.code!r}") from ending
    finally:  # programs may close or replace their output; the next run has it anew
        with suppress(ValueError):
            sys.stdout.flush()
        sys.stdout = out
        os.dup2(pipe, 1)
        os.close(pipe)


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
