"""Reaching the generation service: connect, start it if nobody is there, notice when it has died.

A service that exits between our connecting and its accepting (idle, killed, replaced) has not
touched the request, so a fresh one is started and asked again. Torch-free.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from rft_core.errors import RftError
from rft_core.paths import PROJECT_ROOT, get_generation_log_path
from rft_core.sampling.service.messages import PROTOCOL_VERSION, read_message, write_message
from rft_core.sampling.service.socket_path import get_socket_path

START_SECONDS = 30.0
POLL_SECONDS = 0.02
ATTEMPTS = 5


class OpenRequest:
    """A request that the service has accepted. As a context it gives the replies, then hangs up."""

    def __init__(self, connection: socket.socket, replies: BinaryIO) -> None:
        self._connection, self._replies = connection, replies

    def __enter__(self) -> BinaryIO:
        return self._replies

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # an unsent rest may be lost: nobody wants it any more
            self._replies.close()
            self._connection.close()


def open_request(runs_dir: Path, request: Mapping[str, Any], idle_timeout: float) -> OpenRequest:
    """Have the request accepted, by a new service if need be."""
    for _ in range(ATTEMPTS):
        opened = _try_open(ensure_service(runs_dir, idle_timeout), request)
        if opened is not None:
            return opened
    raise make_crash_error(runs_dir, "The generation service does not accept requests")


def open_request_if_running(runs_dir: Path, request: Mapping[str, Any]) -> OpenRequest | None:
    """The same, but None if no service is running."""
    connection = _try_connect(get_socket_path(runs_dir))
    return _try_open(connection, request) if connection else None


def ensure_service(runs_dir: Path, idle_timeout: float) -> socket.socket:
    """A connection to the service, which is started first if nobody answers.

    Two callers may start two processes at once; the one that gets the lock stays.
    """
    deadline = time.monotonic() + START_SECONDS
    process: subprocess.Popen[bytes] | None = None
    while (connection := _try_connect(get_socket_path(runs_dir))) is None:
        exit_code = process.poll() if process else 0
        if exit_code:
            raise make_crash_error(runs_dir, "The generation service did not start")
        if time.monotonic() > deadline:
            raise make_crash_error(runs_dir, "The generation service does not answer")
        if exit_code == 0:  # not started yet, or it gave way to another that has left since
            process = _start_service(runs_dir, idle_timeout)
        time.sleep(POLL_SECONDS)
    return connection


def read_reply(replies: BinaryIO) -> dict[str, Any] | None:
    """The next event; None once the service has hung up or died."""
    try:
        return read_message(replies)
    except ConnectionError:
        return None


def make_crash_error(runs_dir: Path, what: str) -> RftError:
    """What happened, with the last line of the service's log as the reason."""
    log_path = get_generation_log_path(runs_dir)
    lines = log_path.read_text(errors="replace").split("\n") if log_path.is_file() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    return RftError(
        what,
        f"The last line of {log_path} is: {last[:300]}" if last else "It left no log",
        "Try again: a fresh one is started. If it dies again, the machine may be short of memory",
    )


def _try_connect(path: Path) -> socket.socket | None:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    return connection


def _try_open(connection: socket.socket, request: Mapping[str, Any]) -> OpenRequest | None:
    """Send and wait for "accepted"; None if the service left, or had to go as it is outdated."""
    replies, path = connection.makefile("rb"), connection.getpeername()
    opened = OpenRequest(connection, replies)
    try:
        with connection.makefile("wb") as requests:
            write_message(requests, request)
    except ConnectionError:
        opened.close()
        return None
    accepted = read_reply(replies)
    if accepted is not None and accepted["version"] == PROTOCOL_VERSION:
        return opened
    opened.close()
    if accepted is not None:
        _dismiss(Path(path))
    return None


def _dismiss(path: Path) -> None:
    """Make a service that speaks another version of the protocol leave."""
    connection = _try_connect(path)
    if connection:
        with connection, contextlib.suppress(ConnectionError):
            connection.sendall(b'{"request": "quit"}\n')
            connection.makefile("rb").read()  # until it hangs up


def _start_service(runs_dir: Path, idle_timeout: float) -> subprocess.Popen[bytes]:
    log_path = get_generation_log_path(runs_dir)
    log_path.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "rft_core.sampling.service.server"]
    command += ["--runs-dir", str(runs_dir), "--idle-timeout", str(idle_timeout)]
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT_ROOT,
            env={"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    # It outlives this call, and perhaps this process: somebody has to collect its exit code.
    threading.Thread(target=process.wait, daemon=True).start()
    return process
