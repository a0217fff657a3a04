"""The route that browsers ask for the revision of what they show. Imports no Streamlit."""

import time
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rft_core.errors import RftError
from rft_core.jobs import ensure_commands_are_served
from rft_core.paths import get_runs_dir
from rft_core.store.state.revision import get_folder_revision, get_run_revision

URL = "/rft-pulse"
SERVED_EVERY_SECONDS = 2.0
BEAT_SECONDS = 30.0  # silence is news too: a run that is stuck changes nothing
LOOK_AT_FOLDER_SECONDS = 0.5


def get_revision(run: str = "") -> str:
    """Of a run, or of the whole folder; another one at each beat."""
    folder = get_runs_dir()
    found = get_run_revision(folder, run) if run else get_folder_revision(folder)
    return f"{found}-{time.time() // BEAT_SECONDS:.0f}"


def serve_commands() -> None:
    """A supervisor that has died is started again while anybody looks."""
    try:
        ensure_commands_are_served(get_runs_dir())
    except RftError:  # the page itself says what is wrong with the folder
        return


class Pulse:
    """Answers the browsers, and sees to it that what was asked of runs is served."""

    def __init__(self) -> None:
        self._served_at = float("-inf")
        self._folder = ("", float("-inf"))

    def answer(self, request: Request) -> Response:
        run = request.query_params.get("run", "")
        if Path(run).name != run:
            return JSONResponse({"error": "no such run"}, status_code=404)
        self._serve_commands()
        revision = get_revision(run) if run else self._look_at_folder()
        return JSONResponse({"revision": revision}, headers={"Cache-Control": "no-store"})

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


ROUTES = [Route(URL, Pulse().answer)]
