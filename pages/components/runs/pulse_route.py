"""The route that browsers ask for the revision of what they show. Imports no Streamlit."""

import threading
import time
from collections import deque
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rft_core.errors import RftError
from rft_core.jobs.launcher import ensure_commands_are_served
from rft_core.paths import get_runs_dir
from rft_core.store.state.revision import (
    get_folder_revision,
    get_lives_revision,
    get_run_revision,
)

URL, LIVES_URL = "/rft-pulse", "/rft-lives"
SERVED_EVERY_SECONDS = 2.0
BEAT_SECONDS = 30.0  # silence is news too: a run that is stuck changes nothing
LOOK_AT_FOLDER_SECONDS = 0.5
COUNT_SECONDS = 4.0  # over which it is counted how often a run is asked for
MOST_RUNS = 100
SECONDS_A_VIEWER = 0.7  # between two redraws: many who look share what the training can spare


def get_revision(run: str = "") -> str:
    """Of a run, or of the whole folder; another one at each beat."""
    folder = get_runs_dir()
    found = get_run_revision(folder, run) if run else get_folder_revision(folder)
    return f"{found}-{time.time() // BEAT_SECONDS:.0f}"


def get_lives() -> str:
    """Of which workers live; another one at each beat. It is not drawn anew for every step."""
    return f"{get_lives_revision(get_runs_dir())}-{time.time() // BEAT_SECONDS:.0f}"


def serve_commands() -> None:
    """A supervisor that has died is started again while anybody looks."""
    try:
        ensure_commands_are_served(get_runs_dir())
    except RftError:  # the page itself says what is wrong with the folder
        return


class Announced:
    """What those who look at one run are told: the newer, the fewer they are.

    A redraw costs some 0.04 s of this machine's time for each of them. Who looks alone sees
    every change; ten see one in some six seconds, all the same one.
    """

    def __init__(self) -> None:
        self._asked: deque[float] = deque()
        self._told, self._told_at = "", float("-inf")
        self._lock = threading.Lock()

    def tell(self, revision: str, now: float) -> str:
        """`now`: in seconds, of any clock that only goes forward."""
        with self._lock:
            self._asked.append(now)
            while self._asked[0] <= now - COUNT_SECONDS:
                self._asked.popleft()
            others = max(0.0, len(self._asked) / COUNT_SECONDS - 1)  # each asks about once a second
            if revision != self._told and now - self._told_at >= others * SECONDS_A_VIEWER:
                self._told, self._told_at = revision, now
            return self._told


class Pulse:
    """Answers the browsers, and sees to it that what was asked of runs is served."""

    def __init__(self) -> None:
        self._served_at = float("-inf")
        self._folder = self._lives = ("", float("-inf"))
        self._announced: dict[str, Announced] = {}

    def answer(self, request: Request) -> Response:
        run = request.query_params.get("run", "")
        if Path(run).name != run:
            return JSONResponse({"error": "no such run"}, status_code=404)
        self._serve_commands()
        revision = self._look_at_run(run) if run else self._look_at_folder()
        return JSONResponse({"revision": revision}, headers={"Cache-Control": "no-store"})

    def answer_lives(self, request: Request) -> Response:
        revision, looked_at = self._lives
        if time.monotonic() - looked_at > LOOK_AT_FOLDER_SECONDS:
            revision = get_lives()
            self._lives = (revision, time.monotonic())
        return JSONResponse({"revision": revision}, headers={"Cache-Control": "no-store"})

    def _look_at_run(self, run: str) -> str:
        if len(self._announced) > MOST_RUNS and run not in self._announced:
            self._announced.clear()
        announced = self._announced.setdefault(run, Announced())
        return announced.tell(get_revision(run), time.monotonic())

    def _look_at_folder(self) -> str:
        """Once for all who ask within half a second: a folder may hold hundreds of runs."""
        revision, looked_at = self._folder
        if time.monotonic() - looked_at > LOOK_AT_FOLDER_SECONDS:
            revision = get_revision()
            self._folder = (revision, time.monotonic())
        return revision

    def _serve_commands(self) -> None:
        if time.monotonic() - self._served_at < SERVED_EVERY_SECONDS:
            return
        self._served_at = time.monotonic()
        serve_commands()


_PULSE = Pulse()
ROUTES = [Route(URL, _PULSE.answer), Route(LIVES_URL, _PULSE.answer_lives)]
