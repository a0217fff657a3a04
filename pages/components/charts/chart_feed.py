"""The route from which browsers get the points of live charts. Imports no Streamlit.

A page publishes what a chart shows and tells the browser no more than that there is something new;
the browser asks when it is ready to draw, for what it lacks. So the server remembers of no browser
what it has: a reload, a second tab, a slow one and one that slept all ask for what they need.
"""

import math
import secrets
from collections.abc import Mapping, Sequence
from weakref import WeakValueDictionary

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from pages.components.charts.chart_message import (
    Edition,
    Panel,
    Question,
    has_grown,
    list_traces,
    make_message,
    panel_csv,
)

URL = "/rft-chart"


class ChartFeed:
    """What one chart of one viewer shows. Its address is a secret of the session that keeps it."""

    def __init__(self) -> None:
        self.id = secrets.token_urlsafe(16)
        self.edition = Edition(secrets.token_hex(4), 0, ())
        _feeds[self.id] = self

    @property
    def url(self) -> str:
        return f"{URL}/{self.id}"

    def publish(self, panels: Sequence[Panel]) -> Edition:
        """The newest edition: another one only where the panels are others, or hold more."""
        known = self.edition
        if not has_grown(known.panels, panels):
            self.edition = Edition(secrets.token_hex(4), known.number + 1, panels)
        elif any(
            len(new.y) > len(old.y)
            for new, old in zip(list_traces(panels), list_traces(known.panels), strict=True)
        ):
            self.edition = Edition(known.generation, known.number + 1, panels)
        return self.edition


_feeds: WeakValueDictionary[str, ChartFeed] = WeakValueDictionary()  # a feed dies with its session


def read_question(query: Mapping[str, str]) -> Question:
    """Raises `ValueError` for numbers that are none."""
    low, high = (float(query.get(end, "nan")) for end in ("low", "high"))
    smoothing = float(query.get("smoothing", 0))
    if not 0 <= smoothing < 1:
        raise ValueError("smoothing is from 0 to below 1")
    return Question(
        axis=query.get("axis", "step"),
        smoothing=smoothing,
        zoom=(low, high) if math.isfinite(low) and math.isfinite(high) else None,
        generation=query.get("generation", ""),
        counts=tuple(int(count) for count in query.get("counts", "").split(",") if count),
    )


def answer(request: Request) -> Response:
    feed = _feeds.get(request.path_params["id"])
    if feed is None:
        return PlainTextResponse("No such chart.", status_code=404)
    if "csv" in request.query_params:
        return answer_csv(feed.edition, request.query_params["csv"])
    try:
        message = make_message(feed.edition, read_question(request.query_params))
    except ValueError as error:
        return PlainTextResponse(str(error), status_code=400)
    headers = {"Cache-Control": "no-store"}
    return Response(message, media_type="application/octet-stream", headers=headers)


def answer_csv(edition: Edition, number: str) -> Response:
    """The panel at that place as a file, written while it is sent."""
    if not number.isdecimal() or int(number) >= len(edition.panels):
        return PlainTextResponse("No such panel.", status_code=404)
    return StreamingResponse(panel_csv(edition.panels[int(number)]), media_type="text/csv")


ROUTES = [Route(URL + "/{id}", answer)]
