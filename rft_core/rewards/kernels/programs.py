"""The two texts of ours that run beside a candidate's kernels, and how each is asked.

Each text is put together from files of `sandbox/programs`, for the jailed side cannot import them.
What comes back was written by a process that also ran the candidate: its form is checked here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from rft_core.rewards.kernels.inputs import KernelInputs
from rft_core.rewards.programs.runs import PROGRAMS, Clock
from rft_core.sandbox.flavours import Flavour
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.provider import Program, Reply, Session

OUR_IMPORTS = "from rft_core.sandbox.programs."

Launch = Mapping[str, Any]  # {"kernel", "line", "signature", "constants", "options"}


def get_interpreter() -> Program:
    parts = ("loading", "memory", "device", "watch", "reductions", "interpreter")
    return _join(Flavour.INTERPRETER, *(f"kernel_{part}" for part in parts))


def get_compiler() -> Program:
    return _join(Flavour.COMPILER, "kernel_loading", "kernel_compiler")


@cache
def _join(flavour: Flavour, *parts: str) -> Program:
    """Several files as one text: each finds the names of those before it."""
    texts = [(PROGRAMS / f"{part}.py").read_text(encoding="utf-8") for part in parts]
    lines = [line for line in "\n".join(texts).splitlines() if not line.startswith(OUR_IMPORTS)]
    return Program(flavour, "\n".join(lines))


def ask_to_run(session: Session, clock: Clock, code: str, tests: Sequence[KernelInputs]) -> Reply:
    arguments = [inputs.as_arguments() for inputs in tests]
    return clock.call(session, "examine", {"code": code, "tests": arguments})


def ask_to_compile(
    session: Session, clock: Clock, code: str, launches: Sequence[Launch]
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
