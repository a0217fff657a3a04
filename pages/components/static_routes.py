"""Serves the JavaScript and CSS of the browser components.

The components' inline code is a three-line shim that imports from here: Streamlit sends inline
code again with every change, while a file is fetched once. The folder name in the address is a
hash of the contents, so a file may be cached for ever and an upgrade is never served stale.

This file does not register components (see `live_chart.py` and `code_editor.py`) and does not
import Streamlit.
"""

import hashlib
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FRONTEND = Path(__file__).resolve().parent / "frontend"

# Everything that may be fetched, by name: nothing else in the folder is reachable.
ASSETS: dict[str, Path] = {
    name: _FRONTEND / name
    for name in (
        "plotly-basic.min.js",  # a quarter of the whole: lines and bars are all that is drawn
        "live_chart.js",
        "live_chart_controls.js",
        "live_chart_panel.js",
        "live_chart_series.js",
        "live_chart_theme.js",
        "live_chart.css",
        "pulse.js",
        "ballot_keys.js",
        "code_editor.bundle.js",
    )
}


def _contents_hash() -> str:
    digest = hashlib.sha256()
    for name, path in sorted(ASSETS.items()):
        digest.update(name.encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


ASSETS_URL = f"/rft-assets/{_contents_hash()}"


async def _serve(request: Request) -> Response:
    path = ASSETS.get(request.path_params["name"])
    if path is None or not path.is_file():
        return PlainTextResponse("No such asset.", status_code=404)
    return FileResponse(path, headers={"Cache-Control": "public, max-age=31536000, immutable"})


# What a page's components will load: how each file is to be fetched, as they fetch it.
NEEDED_SOON = {
    "/monitor": {
        "live_chart.js": "modulepreload",
        "live_chart_controls.js": "modulepreload",
        "live_chart_panel.js": "modulepreload",
        "live_chart_series.js": "modulepreload",
        "live_chart_theme.js": "modulepreload",
        "plotly-basic.min.js": "preload; as=script",
        "live_chart.css": "preload; as=style",
    }
}


class EarlyAssets:
    """ASGI middleware: names a page's files in its very first answer.

    The browser fetches them while Streamlit starts, instead of one after the other when it is done.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        needed = NEEDED_SOON.get(scope["path"]) if scope["type"] == "http" else None
        await self._app(scope, receive, _with_links(send, needed) if needed else send)


def _with_links(send: Send, needed: dict[str, str]) -> Send:
    links = ", ".join(f"<{ASSETS_URL}/{name}>; rel={how}" for name, how in needed.items())

    async def send_with_links(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message)["Link"] = links
        await send(message)

    return send_with_links


ROUTES = [Route("/rft-assets/{contents}/{name}", _serve)]


def component_shim(module: str) -> str:
    """The inline JavaScript of a component whose code is `module`, one of `ASSETS`."""
    return f"""
export default async (component) =>
  (await import(new URL("{ASSETS_URL}/{module}", location.origin))).render(component)
"""
