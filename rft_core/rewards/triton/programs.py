"""The two texts of ours that run beside a candidate's kernels, and how each is asked.

What comes back was written by a process that also ran the candidate: its form is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.rewards.code.runs import Clock
from rft_core.rewards.triton.inputs import KernelInputs
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import JailedProgram, JailReply, JailSession, get_program

Launch = Mapping[str, Any]  # {"kernel", "line", "signature", "constants", "options"}


def get_interpreter() -> JailedProgram:
    return get_program("kernel_interpreter", ServerKind.INTERPRETER)


def get_compiler() -> JailedProgram:
    return get_program("kernel_compiler", ServerKind.COMPILER)


def ask_to_run(
    session: JailSession, clock: Clock, code: str, tests: Sequence[KernelInputs]
) -> JailReply:
    arguments = [inputs.as_arguments() for inputs in tests]
    return clock.call(session, "examine", {"code": code, "tests": arguments})


def ask_to_compile(
    session: JailSession, clock: Clock, code: str, launches: Sequence[Launch]
) -> list[Mapping[str, Any]]:
    """{"error", "reads", "writes"} for each launch; all the same if it never came to say it."""
    reply = clock.call(session, "compile_launches", {"code": code, "launches": list(launches)})
    answers = reply.value
    is_sound = isinstance(answers, list) and len(answers) == len(launches)
    if reply.outcome is Outcome.OK and is_sound and all(map(_is_verdict, answers)):
        return list(answers)
    error = reply.detail or "it gave no verdict"
    return [{"error": error, "reads": False, "writes": False} for _ in launches]


def read_launches(value: Any) -> tuple[Launch, ...]:
    """Raises ValueError where the jailed side wrote something else."""
    try:
        launches = json.loads(json.dumps(value))
    except (TypeError, ValueError) as error:
        raise ValueError("the launches are garbled") from error
    if not isinstance(launches, list) or not all(map(_is_launch, launches)):
        raise ValueError("the launches are garbled")
    return tuple(launches)


def _is_launch(value: Any) -> bool:
    parts = {"kernel": str, "line": int, "signature": dict, "constants": dict, "options": dict}
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in parts.items()
    )


def _is_verdict(value: Any) -> bool:
    parts = {"error": str, "reads": bool, "writes": bool}
    return isinstance(value, dict) and all(
        isinstance(value.get(name), kind) for name, kind in parts.items()
    )
