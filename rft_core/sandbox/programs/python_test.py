"""Jailed program: run a test as it was published, beside none of the programs that it tests.

The test runs in a thread. Where it calls the function, the call goes out as data and the thread
waits for the answer, which the program's own process gives. Changes that the function made to its
arguments are made here, too, and what it raised is raised.
"""

import builtins
import linecache
import random
import threading
import traceback
import types
from queue import SimpleQueue
from typing import Any

from rft_core.sandbox.inside.values import Opaque
from rft_core.sandbox.programs.candidate_code import import_libraries

__all__ = ["begin", "go_on", "import_libraries"]
IS_WATCHED = False
FILENAME = "test.py"  # what the test is called in tracebacks
RUNNING: list["AskingTest"] = []

Step = dict[str, Any]


def begin(text: str, reference: str, function: str, seed: int) -> Step:
    """{"call": [arguments, keywords]}, {"failed_at", "error"}, {"unfit": why}, or {}: it holds."""
    RUNNING[:] = [AskingTest(text, reference, function, seed)]
    return RUNNING[0].next_step()


def go_on(answer: dict[str, Any]) -> Step:
    """With what the function gave: {"value" or "items", "truth", "arguments"}, or {"error"}."""
    RUNNING[0].answers.put(answer)
    return RUNNING[0].next_step()


class Foreign:
    """What was no plain value: it equals nothing, and is as true as it was over there."""

    def __init__(self, truth: Any) -> None:
        self.truth = truth

    def __bool__(self) -> bool:
        return bool(self.truth)


class ProgramError(Exception):
    """What the function raised, where Python itself has no error of that name."""


class AskingTest:
    """One test on its way."""

    def __init__(self, text: str, reference: str, function: str, seed: int) -> None:
        self.text, self.function, self.reference = text, function, reference
        self.steps: SimpleQueue[Step] = SimpleQueue()
        self.answers: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self.has_called = False
        random.seed(seed)
        threading.Thread(target=self.run, daemon=True).start()

    def next_step(self) -> Step:
        return self.steps.get()

    def run(self) -> None:
        try:
            self.steps.put(self.find_outcome())
        except BaseException as error:  # whatever a test is, whoever waits must hear of its end
            self.steps.put({"unfit": f"it ended with {type(error).__name__}"})

    def find_outcome(self) -> Step:
        names = types.ModuleType("test").__dict__
        try:
            exec(compile(self.reference, "reference.py", "exec", dont_inherit=True), names)  # noqa: S102
        except Exception as error:
            return {"unfit": f"the reference that it needs fails: {describe(error)}"}
        names[self.function] = names["candidate"] = self.ask
        try:
            lines = self.text.splitlines(keepends=True)
            linecache.cache[FILENAME] = (len(self.text), None, lines, FILENAME)
            exec(compile(self.text, FILENAME, "exec", dont_inherit=True), names)  # noqa: S102
            if callable(check := names.get("check")):
                check(self.ask)
        except Exception as error:
            return self.explain(error)
        return {} if self.has_called else {"unfit": f"it never calls '{self.function}'"}

    def explain(self, error: Exception) -> Step:
        is_own = isinstance(error, NameError | ImportError | SyntaxError)
        if is_own or not self.has_called:
            return {"unfit": f"it fails by itself: {describe(error)}"}
        frames = traceback.extract_tb(error.__traceback__)
        places = [frame.line for frame in frames if frame.filename == FILENAME]
        is_plain = isinstance(error, AssertionError | ProgramError)
        return {
            "failed_at": (places[-1] if places else "") or "it",
            "error": "" if is_plain else describe(error),
        }

    def ask(self, *arguments: Any, **keywords: Any) -> Any:
        """The function, for the test."""
        self.has_called = True
        self.steps.put({"call": [list(arguments), keywords]})
        answer = self.answers.get()
        if "error" in answer:
            raise make_error(str(answer["error"]))
        for mine, changed in zip(arguments, answer.get("arguments", ()), strict=False):
            change(mine, changed)
        if "items" in answer:
            return iter(answer["items"])
        value = answer.get("value")
        return Foreign(answer.get("truth")) if isinstance(value, Opaque) else value


def change(mine: Any, changed: Any) -> None:
    """Make a list, dict or set what the function has made of its copy."""
    if type(mine) is not type(changed) or mine == changed:
        return
    if isinstance(mine, list):
        mine[:] = changed
    elif isinstance(mine, dict | set):
        mine.clear()
        mine.update(changed)


def make_error(detail: str) -> Exception:
    """As "ValueError: no number (line 3)" says it."""
    name, _, text = detail.partition(":")
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(text.strip())
        except TypeError:  # UnicodeError's kinds take more than a text
            return ProgramError(detail)
    return ProgramError(detail)


def describe(error: BaseException) -> str:
    return traceback.format_exception_only(error)[-1].strip()[:300]
