"""The resident generation process: `python -m rft_core.sampling.service.server --runs-dir runs`.

One per runs folder, started by `client.py` when first needed. It listens on a Unix socket that only
its user can open, loads a base model at the first request that needs one, keeps it for the next
requests, and exits after a while without any. Holding the lock file for life makes it the only one;
the kernel frees the lock however the process dies.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import os
import select
import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import psutil

from rft_core.errors import BadInputError, RftError
from rft_core.sampling.service.messages import (
    PROTOCOL_VERSION,
    Progress,
    ServiceStatus,
    error_event,
    event,
    read_message,
    write_message,
)
from rft_core.sampling.service.resident import ResidentModel
from rft_core.sampling.service.socket_path import get_lock_path, get_socket_path

log = logging.getLogger("rft_core.sampling")

STALLED_CLIENT_SECONDS = 60.0  # a client that reads nothing for so long is taken for gone


class ClientGoneError(Exception):
    """The client has closed its connection: nobody wants the rest."""


class Connection(socketserver.StreamRequestHandler):
    """One client and its one request."""

    server: Service
    timeout = STALLED_CLIENT_SECONDS

    def handle(self) -> None:
        request = read_message(cast(BinaryIO, self.rfile))
        if request is None or self.server.is_stopping:  # unaccepted: the client asks another
            return
        try:
            self._send({"event": "accepted", "version": PROTOCOL_VERSION})
            self._answer(request)
            self._send(event("done"))
        except (ClientGoneError, ConnectionError, TimeoutError):
            log.info("client left during %s", request.get("request"))
        except RftError as error:
            self._send_error(error)
        except Exception as error:  # a bug must reach the client as a message, not as silence
            log.exception("%s failed", request.get("request"))
            self._send_error(RftError("Generation failed", f"{type(error).__name__}: {error}"))

    def _answer(self, request: dict[str, Any]) -> None:
        resident = self.server.resident
        match request["request"]:
            case "status":
                self._send(event("status", self.server.get_status()))
            case "quit":
                self.server.stop()
            case "render":
                for prompt in resident.render(request, self._report):
                    self._send(event("rendered", prompt))
            case "sample" | "stream" as kind:
                with self._model_turn():
                    answer = resident.sample if kind == "sample" else resident.stream
                    for message in answer(request, self._report, self._raise_if_gone):
                        self._send(message)
            case unknown:
                raise BadInputError(f"The generation service knows no request '{unknown}'")

    @contextlib.contextmanager
    def _model_turn(self) -> Iterator[None]:
        """One request at a time uses the model; the others are told that they wait."""
        turn = self.server.turn
        if not turn.acquire(blocking=False):
            self._report("waiting for another request to finish", None)
            while not turn.acquire(timeout=0.1):
                self._raise_if_gone()
        try:
            yield
        finally:
            turn.release()

    def _report(self, message: str, fraction: float | None) -> None:
        self._send(event("progress", Progress(message, fraction)))

    def _raise_if_gone(self) -> None:
        is_readable, _, _ = select.select([self.request], [], [], 0)
        if is_readable and self.request.recv(1, socket.MSG_PEEK) == b"":
            raise ClientGoneError

    def _send(self, message: dict[str, Any]) -> None:
        write_message(cast(BinaryIO, self.wfile), message)

    def _send_error(self, error: RftError) -> None:
        with contextlib.suppress(OSError):
            self._send(error_event(error))


class Service(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Accepts connections until it has been idle for `idle_timeout` seconds or is told to quit."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, socket_path: Path, idle_timeout: float) -> None:
        self.resident = ResidentModel()
        self.turn = threading.Lock()
        self.is_stopping = False
        self._idle_timeout = idle_timeout
        self._connections = 0
        self._counting = threading.Lock()
        self._last_used = time.monotonic()
        before = os.umask(0o177)  # the socket file is born with mode 0600
        try:
            super().__init__(str(socket_path), Connection)
        finally:
            os.umask(before)

    def stop(self) -> None:
        """Leave soon; from now on nobody finds this service any more."""
        Path(str(self.server_address)).unlink(missing_ok=True)  # ours as long as we hold the lock
        self.is_stopping = True

    def serve_until_idle(self) -> None:
        while not self.is_stopping:
            with self._counting:
                idle_for = 0.0 if self._connections else time.monotonic() - self._last_used
            if idle_for >= self._idle_timeout:
                log.info("idle for %.0f s: leaving", idle_for)
                self.stop()
                return
            self.timeout = min(0.2, self._idle_timeout)
            self.handle_request()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:  # before its thread starts, so that idleness is never misjudged
            self._connections += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._counting:
                self._connections -= 1
                self._last_used = time.monotonic()

    def get_status(self) -> ServiceStatus:
        return ServiceStatus(
            pid=os.getpid(),
            version=PROTOCOL_VERSION,
            model=self.resident.model_name,
            adapters=self.resident.adapters,
            busy=self.turn.locked(),
            memory_bytes=psutil.Process().memory_info().rss,
            idle_timeout=self._idle_timeout,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--idle-timeout", type=float, default=900.0, help="seconds")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    socket_path = get_socket_path(arguments.runs_dir)
    lock = _try_lock(get_lock_path(arguments.runs_dir))
    if lock is None:
        log.info("another generation service is serving %s already", arguments.runs_dir)
        return
    socket_path.unlink(missing_ok=True)  # left behind by a killed predecessor: the lock is ours
    with lock, Service(socket_path, arguments.idle_timeout) as service:
        log.info("serving %s as process %d", arguments.runs_dir, os.getpid())
        service.serve_until_idle()
        # A request may still run in a daemon thread: quitting means now, and only the end of the
        # process gives the lock away.
        os._exit(0)


def _try_lock(path: Path) -> IO[str] | None:
    """The locked file, to be kept open for life; None if another process holds it."""
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


if __name__ == "__main__":
    main()
