"""The route that hands out generations as a file, a portion at a time. Imports no Streamlit.

A million generations are a file of half a gigabyte: it is written to the browser as it is read from
the run, and never held. Each portion is read on a connection of its own: while somebody downloads,
no log of the run's database is kept from being emptied.
"""

import secrets
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from urllib.parse import quote
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pages.components.completions.export import csv_lines, jsonl_lines
from rft_core.errors import RftError
from rft_core.store.generations import StoredGeneration, list_generations
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter

URL = "/rft-generations"
PORTION = 2_000  # generations, some megabytes
MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/jsonl"}


class Offer:
    """What one viewer may take away. Its address is a secret of the session that keeps it."""

    def __init__(
        self, runs_dir: Path, run_id: str, where: GenerationFilter, functions: Sequence[str]
    ) -> None:
        self.id = secrets.token_urlsafe(16)
        self.content = (runs_dir, run_id, where, tuple(functions))
        _offers[self.id] = self

    def get_url(self, kind: str) -> str:
        """`kind`: csv or jsonl."""
        return f"{URL}/{self.id}/{kind}"

    def write(self, kind: str) -> Iterator[str]:
        """The file in pieces; raises `RftError` where the run cannot be read."""
        runs_dir, run_id, where, functions = self.content
        found = iterate_portions(runs_dir, run_id, where)
        lines = csv_lines(found, list(functions)) if kind == "csv" else jsonl_lines(found)
        while piece := "".join(islice(lines, PORTION)):
            yield piece


_offers: WeakValueDictionary[str, Offer] = WeakValueDictionary()  # an offer dies with its session


def iterate_portions(
    runs_dir: Path, run_id: str, where: GenerationFilter
) -> Iterator[StoredGeneration]:
    """All that match, oldest first; no connection is open between two portions."""
    last: int | None = None
    while True:
        with open_run(runs_dir, run_id) as db:
            rows = list_generations(db, where, limit=PORTION, before_id=last, newest_first=False)
        yield from rows
        if len(rows) < PORTION:
            return
        last = rows[-1].id


def answer(request: Request) -> Response:
    offer, kind = _offers.get(request.path_params["id"]), request.path_params["kind"]
    if offer is None or kind not in MEDIA_TYPES:
        return PlainTextResponse("No such file. Load the page again.", status_code=404)
    pieces = offer.write(kind)
    try:
        first = next(pieces, "")  # what is wrong with the run is said before a file has begun
    except RftError as error:
        return PlainTextResponse(str(error), status_code=409)
    name = quote(f"{offer.content[1]}.{kind}")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "no-store",
    }
    whole = (piece for part in ([first], pieces) for piece in part)
    return StreamingResponse(whole, media_type=MEDIA_TYPES[kind], headers=headers)


ROUTES = [Route(URL + "/{id}/{kind}", answer)]
