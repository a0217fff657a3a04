"""How the sandbox's tests run a candidate, by the programs that the graders use."""

from collections.abc import Mapping
from typing import Any

from rft_core.rewards.jailed.calls import CallResult
from rft_core.rewards.jailed.user_function import SourceProcess
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.servers import open_session
from rft_core.sandbox.session import JailReply, JailSession, get_program

PROGRAM = get_program("program_answer")


def ask(session: JailSession, source: str, timeout: float = 5.0) -> JailReply:
    """What the source leaves in `answer`, if it does."""
    reply = session.call("run", {"source": source}, timeout)
    value = reply.value.get("answer") if isinstance(reply.value, dict) else reply.value
    return JailReply(reply.outcome, value, reply.detail, reply.stdout, reply.seconds, reply.blocked)


def run(
    source: str,
    timeout: float = 10.0,
    limits: Limits | None = None,
    kind: ServerKind = ServerKind.PYTHON,
) -> JailReply:
    """The same in a process of its own."""
    with open_session(get_program("program_answer", kind), limits) as session:
        return ask(session, source, timeout)


class RewardDoor:
    """A process for each source, as reward functions have them."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits
        self.processes: dict[str, SourceProcess] = {}

    def get(self, source: str) -> SourceProcess:
        return self.processes.setdefault(source, SourceProcess(source, self.limits))

    def load(self, source: str, timeout: float) -> CallResult:
        return self.get(source).load(timeout)

    def call(
        self, source: str, function: str, keywords: Mapping[str, Any], timeout: float
    ) -> CallResult:
        return self.get(source).call(function, keywords, timeout)

    def close(self) -> None:
        for process in self.processes.values():
            process.close()

    def __enter__(self) -> "RewardDoor":
        return self

    def __exit__(self, *ending: object) -> None:
        self.close()
