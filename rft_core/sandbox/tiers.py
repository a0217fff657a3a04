"""How well this machine can lock code in: tier A, B, C, or none, found by trying every layer.

A is Bubblewrap + Landlock + seccomp, B lacks Bubblewrap (hosts that deny user namespaces), C lacks
Landlock (kernels before 5.13). All need limits, and a user other than root. In C, unless started by
root, who gives each its own user, jailed processes of one server have one user: what keeps them
apart is that each is closed to the others, fork server included, and that their scratch folders
have names which nobody can list or guess. Below C, no code runs: only texts of ours do, which take
what people and models wrote as data, in processes that can be killed like any other.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rft_core.sandbox.fork_server import TRIAL_MODULE, ForkServer
from rft_core.sandbox.inside.trials import TRIALS
from rft_core.sandbox.jail.bubblewrap import find_bubblewrap
from rft_core.sandbox.jail.jail import BUBBLEWRAP, INNER_LAYERS, LANDLOCK, LIMITS, SECCOMP, USER
from rft_core.sandbox.jail.limits import Limits
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.sandbox.server_kind import ServerKind
from rft_core.sandbox.session import JailedProgram, JailSession

REFUSAL = (
    "Rewards that run code (Python, programs, kernels) are refused here; those for text, numbers, "
    "mathematics, patterns, schemas and format still work"
)
LIBRARIES = ("csv", "asyncio", "numpy")  # that honest programs import, where they are installed
TRIAL_PROGRAM = JailedProgram(ServerKind.PYTHON, TRIAL_MODULE)
TRIAL_SECONDS = 10.0
TRIAL_LIMITS = Limits(memory_bytes=2 << 30, file_bytes=1 << 20)
TIERS = {
    "A": {BUBBLEWRAP, LANDLOCK, SECCOMP},
    "B": {LANDLOCK, SECCOMP},
    "C": {BUBBLEWRAP, SECCOMP},
}


@dataclass(frozen=True)
class TrialResult:
    name: str
    layer: str
    held: bool
    detail: str


@dataclass(frozen=True)
class SandboxReport:
    """What holds here. `layers` are those to apply, in order."""

    tier: str | None
    layers: tuple[str, ...]
    trials: tuple[TrialResult, ...]

    @property
    def missing(self) -> str:
        """What did not hold, in words; empty if all did."""
        return "; ".join(f"{p.name}: {p.detail} ({p.layer})" for p in self.trials if not p.held)


def get_tier(held: Collection[str]) -> str | None:
    if not {USER, LIMITS} <= set(held):
        return None
    return next((name for name, needed in TIERS.items() if needed <= set(held)), None)


def start_server(kind: ServerKind = ServerKind.PYTHON) -> tuple[ForkServer | None, SandboxReport]:
    """The best fork server that this machine gives, tried; None below tier C.

    Raises `InfrastructureError` where no server starts at all, locked in or not.
    """
    if sys.platform != "linux":
        return None, _nothing("the sandbox needs Linux")
    outside, why_not = [], "bwrap is not installed"
    if find_bubblewrap():
        try:
            server = ForkServer(bubblewrap=True, kind=kind)
        except InfrastructureError as error:
            why_not = str(error)
        else:
            results = _try_layers(server)
            outside = [result for result in results if result.layer == BUBBLEWRAP]
            if all(result.held for result in outside):
                return _settle(server, results)
            server.close()  # it shows whoever is in it what it wants: honest programs would break
    server = ForkServer(bubblewrap=False, kind=kind)
    outside = outside or [r for r in _nothing(why_not).trials if r.layer == BUBBLEWRAP]
    return _settle(server, [*_try_layers(server), *outside])


def _settle(
    server: ForkServer, results: Sequence[TrialResult]
) -> tuple[ForkServer | None, SandboxReport]:
    report = _conclude(results)
    if report.tier is None:
        server.close()
        return None, report
    return server, report


def start_unjailed(kind: ServerKind, report: SandboxReport) -> tuple[ForkServer, SandboxReport]:
    """A server for texts of ours alone, where the report found no tier.

    What layers hold are put on, except that it stays who it is: others may not reach Python.
    """
    layers = tuple(layer for layer in report.layers if layer != USER)
    return ForkServer(bubblewrap=False, kind=kind), replace(report, layers=layers)


def inspect() -> SandboxReport:
    """The report alone."""
    try:
        server, report = start_server()
    except (InfrastructureError, OSError) as error:
        return _nothing(str(error))
    if server:
        server.close()
    return report


def _try_layers(server: ForkServer) -> list[TrialResult]:
    """Each layer alone, for which Bubblewrap's trial has none inside of it; all at once.

    Whatever it raises, the server is closed then.
    """
    applied = {layer: [layer] for layer in INNER_LAYERS}
    if server.has_bubblewrap:
        applied[BUBBLEWRAP] = []
    try:
        with ThreadPoolExecutor(len(applied), "trial") as threads:
            trials = threads.map(lambda layer: try_layer(server, layer, applied[layer]), applied)
            return [result for trial in trials for result in trial]
    except BaseException:  # it ended in the middle, or there are no more descriptors or threads
        server.close()
        raise


def try_layer(server: ForkServer, layer: str, applied: Sequence[str]) -> list[TrialResult]:
    """The layer's trials, in a process with only the inner layers `applied`."""
    names = [name for name, (owner, _) in TRIALS.items() if owner == layer]
    try:
        session = JailSession(server, applied, TRIAL_PROGRAM, TRIAL_LIMITS)
    except InfrastructureError as error:
        return [TrialResult(name, layer, False, str(error)) for name in names]
    results = []
    with closing(session), socket.create_server(("127.0.0.1", 0)) as listener:
        facts = _prepare(server, listener.getsockname()[1])
        for name in names:
            reply = session.call("attempt", {"name": name, "facts": facts}, TRIAL_SECONDS)
            answer = reply.value or {"held": False, "detail": f"no answer: {reply.detail}"}
            results.append(TrialResult(name, layer, answer["held"], answer["detail"]))
    return results


def _prepare(server: ForkServer, port: int) -> dict[str, Any]:
    """Put in place what the trials go for: everything here is open to all but for the layers."""
    neighbour, outside = server.cells / "neighbour", server.folder / "outside"
    neighbour.mkdir(exist_ok=True)
    neighbour.chmod(0o777)
    (neighbour / "file").write_text("visible")
    outside.write_text("visible")
    stat = Path("/proc/self/stat").read_text()
    return {
        "neighbour": str(neighbour),
        "outside": str(outside),
        "port": port,
        "pid": os.getpid(),
        "start_time": stat.rpartition(")")[2].split()[19],
        "memory_bytes": TRIAL_LIMITS.memory_bytes,
        "file_bytes": TRIAL_LIMITS.file_bytes,
        "open_files": TRIAL_LIMITS.open_files,
        "libraries": [name for name in LIBRARIES if find_spec(name)],
    }


def _conclude(results: Sequence[TrialResult]) -> SandboxReport:
    failed = {result.layer for result in results if not result.held}
    held = {result.layer for result in results} - failed
    layers = tuple(layer for layer in INNER_LAYERS if layer in held)
    return SandboxReport(get_tier(held), layers, tuple(results))


def _nothing(why: str) -> SandboxReport:
    results = [TrialResult(name, layer, False, why) for name, (layer, _) in TRIALS.items()]
    return SandboxReport(None, (), tuple(results))
