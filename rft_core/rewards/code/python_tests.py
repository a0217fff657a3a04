"""Tests that have to be run: a tolerance, a loop, a sorted result, HumanEval's whole `check`.

Such a test runs as it was published, in a jailed process of its own, which never holds the program;
the program's process never holds the test. Calls and answers cross as data: the test waits at each
call until the program has answered. What the test names besides the function (HumanEval's `poly`)
is taken from the row's reference. A test that fails by itself says nothing of a program.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rft_core.rewards.code.assert_lines import read_assert
from rft_core.rewards.code.runs import Clock, import_libraries
from rft_core.rewards.code.value_comparison import show
from rft_core.sandbox.inside.values import Opaque
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.session import JailReply, JailSession

HUMAN_EVALS_NAME = "candidate"  # what its tests call the function, whatever its name is
LONGEST_TEST = 20_000  # characters
MOST_CALLS = 1000


class UnfitTestError(ValueError):
    """A test that fails whatever the program gives; the text says why."""


@dataclass(frozen=True)
class PythonTest:
    """A test as text. `reference`: source that defines what the test names beside the function."""

    text: str
    reference: str = ""


# --- reading --------------------------------------------------------------------------------------


def read_python_test(text: str, function: str, reference: str = "") -> PythonTest:
    """Raises `ValueError` with why it could not say anything of a program."""
    if len(text) > LONGEST_TEST:
        raise ValueError(f"it has {len(text):,} characters; {LONGEST_TEST:,} may be")
    nodes = list(ast.walk(_parse(text)))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    if not any(isinstance(node, ast.Assert | ast.Raise) for node in nodes):
        raise ValueError("it asserts nothing")
    if not names & {function, HUMAN_EVALS_NAME}:
        raise ValueError(f"it never calls '{function}'")
    defined = _list_top_level(reference)
    made = {name for name, node in defined.items() if isinstance(node, ast.ClassDef)}
    if classes := names & made:
        raise ValueError(
            f"it makes objects of '{min(classes)}', a class of the solution, and only plain values "
            "reach a program"
        )
    known = {*_list_bound(nodes), *defined, *dir(builtins), function, HUMAN_EVALS_NAME}
    if unknown := names - known:
        raise ValueError(f"it uses '{min(unknown)}', which is defined nowhere")
    return PythonTest(text, reference)


def find_function(text: str, reference: str = "") -> str | None:
    """The function that a test calls: the first that the reference defines, or nobody else has."""
    nodes = list(ast.walk(_parse(text)))
    calls = [node.func for node in nodes if isinstance(node, ast.Call)]
    named = [node for node in calls if isinstance(node, ast.Name)]
    called = [node.id for node in sorted(named, key=lambda node: (node.lineno, node.col_offset))]
    defined = _list_top_level(reference)
    mine = [name for name in called if isinstance(defined.get(name), ast.FunctionDef)]
    bound = {*_list_bound(nodes), *dir(builtins)}
    return next(iter([*mine, *(name for name in called if name not in bound)]), None)


def split_check(source: str, function: str) -> list[str]:
    """HumanEval's `check(candidate)` as tests, one for each assert or loop of them, in order.

    Where they cannot stand alone the whole source is one test. Raises `ValueError`.
    """
    tree = _parse(source)
    checks = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    if len(checks) != 1 or checks[0].name != "check" or len(checks[0].args.args) != 1:
        return [source]
    for node in ast.walk(checks[0]):
        if isinstance(node, ast.Name) and node.id == checks[0].args.args[0].arg:
            node.id = function  # the name that a prompt may show
    texts = list(_split(checks[0].body))
    bound = _list_bound(list(ast.walk(checks[0])))
    for text in texts:
        nodes = list(ast.walk(_parse(text)))
        names = {node.id for node in nodes if isinstance(node, ast.Name)}
        if names & (bound - _list_bound(nodes) - {function}):
            return [source]
    return texts


def _split(body: list[ast.stmt]) -> Iterator[str]:
    """The texts of the statements that assert, each below those before it that do not."""
    before: list[str] = []
    for node in body:
        text = ast.unparse(node)
        if not any(isinstance(inner, ast.Assert) for inner in ast.walk(node)):
            before.append(text)
        elif not (isinstance(node, ast.Assert) and isinstance(node.test, ast.Constant)):
            yield text if _is_plain(text) else "\n".join([*before, text])


def _is_plain(text: str) -> bool:
    try:
        read_assert(text)
    except ValueError:
        return False
    return True


def _parse(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError("it is not Python") from error


def _list_top_level(source: str) -> dict[str, ast.stmt]:
    """What a source defines, by name; nothing where it is not Python."""
    try:
        body = _parse(source).body
    except ValueError:
        return {}
    found: dict[str, ast.stmt] = {}
    for node in body:
        is_own = isinstance(node, ast.FunctionDef | ast.ClassDef)
        inner: list[ast.AST] = [node] if is_own else list(ast.walk(node))
        found |= dict.fromkeys(_list_bound(inner), node)
    return found


def _list_bound(nodes: list[ast.AST]) -> set[str]:
    """The names that these nodes give a meaning to."""
    found = set()
    for node in nodes:
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.ExceptHandler(name=str(name)):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name.partition(".")[0])
    return found


# --- running --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """The process that runs the tests of one program. `seed`: for tests that draw numbers."""

    session: JailSession
    function: str
    seed: int
    seconds: float  # for each stretch between two calls

    def put(self, test: PythonTest, program: JailSession, clock: Clock) -> JailReply:
        """What became of the test: a value of None where it holds, else what was wrong, in words.

        A program that has ended gives the reply that it ended with. Raises `UnfitTestError`.
        """
        import_libraries(self.session, f"{test.reference}\n{test.text}")
        step = self._ask("begin", {
            "text": test.text, "reference": test.reference, "function": self.function,
            "seed": self.seed,
        })  # fmt: skip
        reply, last = JailReply(Outcome.OK), ""
        for _ in range(MOST_CALLS):
            if "call" not in step:
                problem = _find_problem(step, last)
                return replace(reply, outcome=Outcome.OK, value=problem, detail="")
            arguments, keywords = step["call"]
            call = {"entry_point": self.function, "arguments": arguments, "keywords": keywords}
            reply = clock.call(program, "call", call)
            if reply.is_last:
                return reply
            last = f"{_show_call(self.function, arguments, keywords)} {_show_answer(reply)}"
            step = self._ask("go_on", {"answer": _answer(reply)})
        raise UnfitTestError(f"it calls '{self.function}' more than {MOST_CALLS:,} times")

    def _ask(self, function: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        reply = self.session.call(function, arguments, self.seconds)
        if reply.outcome is not Outcome.OK or not isinstance(reply.value, dict):
            raise UnfitTestError(reply.detail or "its process gave no answer")
        if why := reply.value.get("unfit"):
            raise UnfitTestError(str(why))
        if _holds_opaque(reply.value.get("call")):
            raise UnfitTestError(f"it gives '{self.function}' what is no plain value")
        return reply.value


def _answer(reply: JailReply) -> dict[str, Any]:
    """For the test's process: what the function gave, or what it raised."""
    if reply.outcome is not Outcome.OK:
        return {"error": reply.detail}
    return reply.value if isinstance(reply.value, dict) else {"value": reply.value}


def _find_problem(step: Mapping[str, Any], last: str) -> str | None:
    if not (line := step.get("failed_at")):
        return None
    error = f" ({step['error']})" if step.get("error") else ""
    return f"'{line}' does not hold{error}: {last}" if last else f"'{line}' does not hold{error}"


def _show_call(function: str, arguments: list[Any], keywords: Mapping[str, Any]) -> str:
    named = [f"{name}={show(value)}" for name, value in keywords.items()]
    return f"{function}({', '.join([*map(show, arguments), *named])})"


def _show_answer(reply: JailReply) -> str:
    if reply.outcome is not Outcome.OK:
        return f"raises {reply.detail}"
    answer = _answer(reply)
    return f"is {show(answer.get('value', answer.get('items')))}"


def _holds_opaque(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_opaque, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple | set | frozenset):
        return any(map(_holds_opaque, value))
    return isinstance(value, Opaque)
