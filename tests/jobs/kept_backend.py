"""A backend whose workers are looked after by keepers: its handles are names, and no process's.

`python -m tests.jobs.kept_backend FOLDER LOCK COMMAND...` is a keeper: a process that nobody waits
for. It holds `FOLDER/alive` locked, obeys `FOLDER/wishes`, and leaves the worker's exit code in
`FOLDER/code`.
"""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

from rft_core.errors import WorkerError
from rft_core.jobs.backends import WorkerEnd
from rft_core.jobs.processes import start_detached
from rft_core.paths import get_worker_lock_path, get_worker_log_path
from rft_core.store.state.process_identity import get_identity
from rft_core.store.state.run_lock import FileLock, LockForChild, is_locked


class KeptBackend:
    """`keepers`: the folder in which every keeper has one of its own, named by the handle."""

    name = "kept"

    def __init__(self, runs_dir: Path, keepers: Path, worker_command: list[str]) -> None:
        self._runs_dir, self._keepers, self._worker_command = runs_dir, keepers, worker_command

    def start(self, run: str) -> str:
        handle = f"{run} kept as {uuid.uuid4()}"
        folder = self._keepers / handle
        folder.mkdir(parents=True)
        (folder / "wishes").touch()
        lock = get_worker_lock_path(self._runs_dir, run)
        starting = start_detached(
            [sys.executable, "-m", __name__, str(folder), str(lock), *self._worker_command, run],
            log_path=get_worker_log_path(self._runs_dir, run),
            runs_dir=self._runs_dir,
        )
        if code := starting.wait():
            raise WorkerError(f"No keeper could start a worker for '{run}'", f"It gave {code}")
        return handle

    def keep_ready(self, wanted: bool) -> None:
        """Keepers begin with the run."""

    def find(self, run: str) -> str | None:
        if not is_locked(get_worker_lock_path(self._runs_dir, run)):
            return None
        handles = [path.name for path in self._keepers.glob(f"{run} kept as *")]
        return next((handle for handle in handles if self.is_alive(run, handle)), None)

    def is_alive(self, run: str, handle: str) -> bool:
        return is_locked(self._keepers / handle / "alive")

    def ask_to_stop(self, run: str, handle: str) -> bool:
        return self._wish(handle, "stop")

    def kill(self, run: str, handle: str) -> None:
        self._wish(handle, "kill")

    def get_end(self, run: str, handle: str) -> WorkerEnd:
        code = self._keepers / handle / "code"
        return WorkerEnd(int(code.read_text()) if code.exists() else None)

    def _wish(self, handle: str, word: str) -> bool:
        with (self._keepers / handle / "wishes").open("a") as wishes:
            wishes.write(f"{word}\n")
        return True


def keep(folder: Path, lock_path: Path, command: list[str], ready: int) -> None:
    """Writes to `ready` once the worker is started."""
    with LockForChild(lock_path) as lock:
        environment = {**os.environ, **lock.environment}
        worker = subprocess.Popen(command, env=environment, pass_fds=lock.to_pass)
        lock.sign(get_identity(worker.pid))
    os.write(ready, b"started")
    obeyed = 0
    while worker.poll() is None:
        wishes = (folder / "wishes").read_text().split()
        for wish in wishes[obeyed:]:
            os.kill(worker.pid, signal.SIGTERM if wish == "stop" else signal.SIGKILL)
        obeyed = len(wishes)
        time.sleep(0.02)
    (folder / "code").write_text(str(worker.returncode))


def main(folder: Path, lock_path: Path, command: list[str]) -> None:
    """Returns in the process that was called, once its child has started the worker."""
    FileLock(folder / "alive").acquire()
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        os._exit(0 if os.read(told, 7) else 1)
    os.close(told)
    keep(folder, lock_path, command, tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
