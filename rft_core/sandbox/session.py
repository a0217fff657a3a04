"""One jailed process for whoever wants to run something in it: the sandbox's one door.

A `JailedProgram` is a module of ours that runs beside the code it is asked to run, and offers
functions; a `JailSession` is one jailed process in which they can be called. What comes back is
data: the trusted side, which holds the expected values, compares. `pool.py` gives each of many
candidates a fresh process, `kept_session.py` one that stays for the next call, as reward functions
want it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rft_core.sandbox import wire
from rft_core.sandbox.fork_server import GRACE_SECONDS, Ending, ForkServer
from rft_core.sandbox.inside import values
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import DeadlineError, ExecutionError, Outcome, OutputLimitError
from rft_core.sandbox.scratch import Scratch
from rft_core.sandbox.server_kind import LIMITS, ServerKind

GOES_ON = (Outcome.OK, Outcome.CANDIDATE_ERROR)


@dataclass(frozen=True)
class JailedProgram:
    """A module of ours, by name, and the kind of server that runs it. It holds no expected values.

    The server imports it once, and its children inherit it: its imports cost nothing per candidate.
    It may start no threads.
    """

    kind: ServerKind
    module: str


def get_program(name: str, kind: ServerKind = ServerKind.PYTHON) -> JailedProgram:
    """That of the name in `programs/`."""
    return JailedProgram(kind, f"{__package__}.programs.{name}")


@dataclass(frozen=True)
class JailReply:
    """What a call gave. Everything here was written by a process that also ran the candidate."""

    outcome: Outcome
    value: Any = None  # only where the outcome is ok
    detail: str = ""  # otherwise what happened: "NameError: name 'x' is not defined (line 3)"
    stdout: str = ""
    seconds: float = 0.0  # those in which it waited for a processor left out
    blocked: tuple[str, ...] = ()  # what it tried and must not: "network", "file", "process", ...

    @property
    def is_last(self) -> bool:
        """Whether the process has ended with it, so that there is nothing left to ask."""
        return self.outcome not in GOES_ON


class JailSession:
    """One jailed process, started at once. For one thread at a time."""

    def __init__(
        self,
        server: ForkServer,
        layers: Sequence[str],
        program: JailedProgram,
        limits: Limits | None = None,
    ) -> None:
        """Raises `InfrastructureError`."""
        self._server = server
        self._process = server.spawn(limits or LIMITS[program.kind], layers, program.module)
        self._last: JailReply | None = None  # the one that ended it
        self._is_open = True

    @property
    def scratch(self) -> Scratch:
        return self._process.scratch

    @property
    def is_waiting(self) -> bool:
        """It is there for the next call: it has not ended, nor written anything unasked."""
        return self._is_open and self._process.pipes.is_silent()

    def call(self, function: str, arguments: Mapping[str, Any], timeout: float) -> JailReply:
        """Call `function(**arguments)` of the program; at most `timeout` seconds.

        Arguments and the value returned keep their exact types, see `values.py`. After any outcome
        but ok and candidate_error the process is gone, and every later call gives the same. Raises
        `InfrastructureError` where the sandbox itself failed.
        """
        if self._last:
            return self._last
        request = wire.pack({"call": function, "arguments": _encode(arguments)})
        pipes = self._process.pipes
        pipes.watch.start()
        try:
            reply = read_reply(pipes.exchange(request, timeout))
            seconds = pipes.watch.read()
        except ExecutionError as error:
            seconds = pipes.watch.read()
            reply = JailReply(error.outcome, detail=self._bury(error, timeout))
        if reply.is_last:
            self._last = reply
            self.close()
        return replace(reply, stdout=pipes.take_output(), seconds=seconds)

    def close(self) -> None:
        """Safe to call twice. Raises `InfrastructureError`."""
        self._end(0)

    def _bury(self, error: ExecutionError, timeout: float) -> str:
        """End the process that gave no answer; say how it came to that."""
        ending = self._end(GRACE_SECONDS if error.outcome is Outcome.KILLED else 0)
        if isinstance(error, DeadlineError):
            return f"it took longer than {timeout:.3g} s and was stopped"
        return str(error) if isinstance(error, OutputLimitError) else f"its process ended: {ending}"

    def _end(self, grace: float) -> Ending | None:
        if not self._is_open:
            return None
        self._is_open = False
        return self._server.end(self._process, grace)


def read_reply(answer: Mapping[str, Any]) -> JailReply:
    """Check what a jailed process answered, field by field: it may have been forged.

    Raises `ExecutionError` where it is not what `jailed_worker.py` would have written.
    """
    outcome, detail, blocked = answer.get("outcome"), answer.get("detail"), answer.get("blocked")
    if (
        answer.keys() != {"outcome", "value", "detail", "blocked"}
        or outcome not in ("ok", "candidate_error", "oom")
        or not isinstance(detail, str)
        or not isinstance(blocked, list)
        or not all(isinstance(what, str) for what in blocked)
    ):
        raise ExecutionError("its answer is garbled")
    try:
        value = values.decode(answer["value"])
    except values.DecodeError as error:
        raise ExecutionError(f"its answer is garbled: {error}") from error
    return JailReply(Outcome(outcome), value, detail, blocked=tuple(blocked))


def _encode(arguments: Mapping[str, Any]) -> dict[str, Any]:
    encoded = {
        name: values.encode(argument, most_bytes=sys.maxsize)  # ours may be as long as they are
        for name, argument in arguments.items()
    }
    for name, argument in encoded.items():
        if isinstance(argument, dict) and "opaque" in argument:
            raise TypeError(f"the argument '{name}' cannot be sent: {argument['opaque']}")
    return encoded
