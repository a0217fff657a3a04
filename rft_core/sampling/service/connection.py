"""Reaching the generation service: where it listens, how it is started, when it has died.

A service that exits between our connecting and its accepting (idle, killed, replaced) has not
touched the request, so a fresh one is started and asked again. Torch-free.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from rft_core.errors import BadInputError, RftError
from rft_core.paths import PROJECT_ROOT, get_generation_log_path, get_generation_socket_path
from rft_core.sampling.service.messages import (
    PROTOCOL_VERSION,
    Accepted,
    ControlRequest,
    Event,
    Request,
    parse_event,
    read_line,
    write_request,
)

START_SECONDS = 30.0
POLL_SECONDS = 0.02
ATTEMPTS = 5
LONGEST_SOCKET_PATH = 100  # bytes; the kernel allows 107 and a final zero


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


def open_request(runs_dir: Path, request: Request, idle_timeout: float) -> OpenRequest:
    """Have the request accepted, by a new service if need be."""
    for _ in range(ATTEMPTS):
        opened = _try_open(ensure_service(runs_dir, idle_timeout), request)
        if opened is not None:
            return opened
    raise make_crash_error(runs_dir, "The generation service does not accept requests")


def open_request_if_running(runs_dir: Path, request: Request) -> OpenRequest | None:
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


def read_reply(replies: BinaryIO) -> Event | None:
    """The next event; None once the service has hung up or died."""
    try:
        line = read_line(replies)
    except ConnectionError:
        return None
    return parse_event(line) if line is not None else None


def get_socket_path(runs_dir: Path) -> Path:
    """The socket of the service for this runs folder; its folder exists afterwards."""
    path = get_generation_socket_path(runs_dir.resolve())
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
    folder = Path(tempfile.gettempdir()) / f"rft-studio-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise BadInputError(
            f"{folder} belongs to another user",
            "",
            "Choose a shorter runs folder or another TMPDIR",
        )
    return folder / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:16]}.sock"


def get_lock_path(runs_dir: Path) -> Path:
    """Held with `flock` by the living service."""
    return get_socket_path(runs_dir).with_suffix(".lock")


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


def _try_open(connection: socket.socket, request: Request) -> OpenRequest | None:
    """Send and wait for "accepted"; None if the service left, or had to go as it is outdated."""
    replies, path = connection.makefile("rb"), connection.getpeername()
    opened = OpenRequest(connection, replies)
    try:
        with connection.makefile("wb") as requests:
            write_request(requests, request)
        accepted = read_reply(replies)
    except ConnectionError:
        opened.close()
        return None
    except BadInputError:  # it speaks in a way that we do not know at all
        accepted = Accepted(-1)
    if isinstance(accepted, Accepted) and accepted.version == PROTOCOL_VERSION:
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
            write_request(connection.makefile("wb"), ControlRequest(request="quit"))
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
