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

from rft_core.errors import RftError
from rft_core.hardware import get_hardware
from rft_core.paths import keep_files_private
from rft_core.sampling.service.connection import get_lock_path, get_socket_path
from rft_core.sampling.service.messages import (
    PROTOCOL_VERSION,
    Accepted,
    ControlRequest,
    Done,
    Event,
    LoadProgress,
    RenderRequest,
    Request,
    SampleRequest,
    ServiceError,
    ServiceStatus,
    StreamRequest,
    TokensRequest,
    parse_request,
    read_line,
    write_event,
)
from rft_core.sampling.service.resident import ResidentModel

log = logging.getLogger("rft_core.sampling")
SEE_LOG = "Read generation.log in the runs folder"

# What a request under way has to end, when a training needs the memory; for tests, less.
PATIENCE_SECONDS = float(os.environ.get("RFT_FREE_PATIENCE") or 10)
STALLED_CLIENT_SECONDS = 60.0  # a client that reads nothing for so long is taken for gone


class ClientGoneError(Exception):
    """The client has closed its connection: nobody wants the rest."""


class Connection(socketserver.StreamRequestHandler):
    """One client and its one request."""

    server: Service
    timeout = STALLED_CLIENT_SECONDS

    def handle(self) -> None:
        line = read_line(cast(BinaryIO, self.rfile))
        if line is None or self.server.is_stopping:  # unaccepted: the client asks another
            return
        try:
            self._send(Accepted(PROTOCOL_VERSION))
            self._answer(parse_request(line))
            self._send(Done())
        except (ClientGoneError, ConnectionError, TimeoutError):
            log.info("client left during %s", _name_request(line))
        except RftError as error:
            self._send_error(error)
        except Exception as error:  # a bug must reach the client as a message, not as silence
            log.exception("%s failed", _name_request(line))
            self._send_error(
                RftError("Generation failed", f"{type(error).__name__}: {error}", SEE_LOG)
            )

    def _answer(self, request: Request) -> None:
        resident = self.server.resident
        if isinstance(request, ControlRequest):
            self._control(request)
        elif isinstance(request, RenderRequest):
            for prompt in resident.render(request, self._report):
                self._send(prompt)
        else:
            with self._model_turn():
                events = self._generate(request)
                with contextlib.closing(events):  # type: ignore[type-var]  # a generator
                    for event in events:
                        self._send(event)

    def _generate(self, request: SampleRequest | StreamRequest | TokensRequest) -> Iterator[Event]:
        resident = self.server.resident
        if isinstance(request, SampleRequest):
            return resident.sample(request, self._report, self._raise_if_unwanted)
        if isinstance(request, StreamRequest):
            return resident.stream(request, self._report, self._raise_if_unwanted)
        return resident.read_tokens(request, self._report)

    def _control(self, request: ControlRequest) -> None:
        match request.request:
            case "status":
                self._send(self.server.get_status())
            case "quit":
                self.server.stop()
            case "free":
                log.info("freeing the device for %s", request.who)
                self.server.free(request.who)

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
        self._send(LoadProgress(message, fraction))

    def _raise_if_unwanted(self) -> None:
        """Called at every token."""
        self._raise_if_gone()
        if self.server.wanted_by:
            raise RftError(
                "The answer was broken off",
                f"{self.server.wanted_by} needs the memory of the model",
                "Ask again: the model is loaded once more where the memory suffices for both",
            )

    def _raise_if_gone(self) -> None:
        is_readable, _, _ = select.select([self.request], [], [], 0)
        if is_readable and self.request.recv(1, socket.MSG_PEEK) == b"":
            raise ClientGoneError

    def _send(self, event: Event) -> None:
        write_event(cast(BinaryIO, self.wfile), event)

    def _send_error(self, error: RftError) -> None:
        with contextlib.suppress(OSError):
            self._send(ServiceError.of(error))


class Service(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Accepts connections until it has been idle for `idle_timeout` seconds or is told to quit."""

    daemon_threads = True
    request_queue_size = 32

    def __init__(self, runs_dir: Path, socket_path: Path, idle_timeout: float) -> None:
        self.resident = ResidentModel(runs_dir)
        self.wanted_by = ""  # who needs the memory, while a request under way is broken off
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

    def free(self, who: str) -> None:
        """Unload the model, after the request under way; on a GPU leave, for its context's sake."""
        try:
            if not self.turn.acquire(timeout=PATIENCE_SECONDS):
                self.wanted_by = who
                self.turn.acquire()
        finally:
            self.wanted_by = ""
        self.resident.unload()
        self.turn.release()
        if get_hardware().gpus:
            self.stop()

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
    keep_files_private()
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
    with lock, Service(arguments.runs_dir, socket_path, arguments.idle_timeout) as service:
        log.info("serving %s as process %d", arguments.runs_dir, os.getpid())
        service.serve_until_idle()
        # A request may still run in a daemon thread: quitting means now, and only the end of the
        # process gives the lock away.
        os._exit(0)


def _name_request(line: bytes) -> str:
    """For the log: what was asked, without what people wrote."""
    try:
        return parse_request(line).request
    except RftError:
        return "a request"


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
