"""Tells a webhook of the runs that a supervisor serves, on a thread of its own.

Each run's folder remembers what was told of it (`alerts.json`), and that it is being followed: a
supervisor that dies leaves the next one to tell how the run ended. Nothing here fails a run or
keeps a command waiting; what cannot be delivered is said once in the log, and given up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path

from rft_core.diagnosis.finding import Finding
from rft_core.jobs.alerts.events import list_alerts
from rft_core.jobs.alerts.told import Told, list_followed, read_told, write_told
from rft_core.jobs.alerts.webhook import post, read_dashboard, read_webhook
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, list_attempts, metrics_frame, open_run
from rft_core.store.state.status import RunStatus, get_run_status

LOOK_SECONDS = 10.0  # between two looks while nothing begins or ends
AGAIN_SECONDS = 0.5  # where a run is served no more and is yet to end
PATIENCE = 30.0  # seconds for that


class Teller:
    """`say`: writes a line into the supervisor's log."""

    def __init__(self, runs_dir: Path, say: Callable[[str], None]) -> None:
        self._runs_dir, self._say = runs_dir, say
        self._followed: set[str] | None = None  # None: not read yet
        self._ended: set[str] = set()  # what the thread has found
        self._served: frozenset[str] = frozenset()
        self._changed_at = self._looked_at = float("-inf")
        self._said: set[str] = set()
        self._thread: threading.Thread | None = None
        self._curves: dict[str, object] = {}  # `Curves` of the runs that are followed

    @property
    def is_busy(self) -> bool:
        """Whether something is being told, or is about to be."""
        if self._thread is not None and self._thread.is_alive():
            return True
        is_patient = time.monotonic() - self._changed_at < PATIENCE
        return is_patient and bool((self._followed or set()) - self._served)

    def look(self, served: Collection[str]) -> None:
        """`served`: the runs that have a worker or are to get one. Returns at once, never raises.

        Without a webhook it costs a look at the environment and at a file that is not there.
        """
        url = read_webhook(self._runs_dir)
        if not url:
            self._followed = None
            return
        now = time.monotonic()
        if self._followed is None:
            self._followed, self._changed_at = set(list_followed(self._runs_dir)), now
        runs = frozenset(served)
        is_working = self._thread is not None and self._thread.is_alive()
        if not is_working:
            self._followed -= self._ended
            self._ended = set()
        self._followed |= runs
        if runs != self._served:
            self._served, self._changed_at, self._looked_at = runs, now, float("-inf")
        pause = AGAIN_SECONDS if self._followed - runs else LOOK_SECONDS
        if is_working or not self._followed or now - self._looked_at < pause:
            return
        self._looked_at = now
        work = (url, frozenset(self._followed))
        self._thread = threading.Thread(target=self._work, args=work, name="alerts", daemon=True)
        self._thread.start()

    def _work(self, url: str, runs: frozenset[str]) -> None:
        for run in sorted(runs):
            try:
                if self._tell(url, run):
                    self._ended.add(run)
                    self._curves.pop(run, None)
            except Exception as error:  # whatever it is: the run is more important
                self._ended.add(run)
                self._say_once(f"{run}: no alert could be made: {type(error).__name__}: {error}")

    def _say_once(self, words: str) -> None:
        if words not in self._said:
            self._said.add(words)
            self._say(words)

    def _tell(self, url: str, run: str) -> bool:
        """Everything that was not told yet. True once the run has ended and that was told."""
        with open_index(self._runs_dir) as index:
            status = get_run_status(index, self._runs_dir, run)
        told = read_told(self._runs_dir, run)
        attempt, findings = self._judge(status)
        alerts = list_alerts(status, findings, attempt=attempt, dashboard=read_dashboard())
        for alert in alerts:
            if alert.key in told.keys:
                continue
            if problem := post(url, alert.as_document()):
                self._say(f"{run}: an alert was not delivered: {problem}")
            told = Told(told.keys | {alert.key}, told.is_followed)
            write_told(self._runs_dir, run, told)
        if told.is_followed != status.is_active:
            write_told(self._runs_dir, run, Told(told.keys, status.is_active))
        return not status.is_active

    def _judge(self, status: RunStatus) -> tuple[int, list[Finding]]:
        """Which attempt it is, and what is wrong: what `show` and Monitor say. Reads new rows."""
        from rft_core.figures import Curves, extend_curves  # pandas, where there is a webhook
        from rft_core.jobs.judging.judge import judge_run

        run = status.run
        if status.state == "unreadable" or not has_database(self._runs_dir, run.id):
            return 0, []
        with open_run(self._runs_dir, run.id) as db:
            attempts = len(list_attempts(db))
            known = self._curves.get(run.id)
            if not isinstance(known, Curves) or known.attempts != attempts:
                known = Curves(attempts=attempts)  # a resumed run has forgotten its last steps
            curves = extend_curves(known, metrics_frame(db, after_id=known.last_id))
        self._curves[run.id] = curves
        return attempts, list(judge_run(self._runs_dir, run, status.step, curves).findings)
