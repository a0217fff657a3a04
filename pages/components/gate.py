"""Who may speak to the dashboard's server at all, decided before Streamlit hears of a request.

Whoever reaches a dashboard that runs code can run code. So every request passes four questions:
Is its Host one of ours (a name that somebody else's DNS points at us is not)? If a browser sent an
Origin, is that this very address (another port of localhost is another site)? Is it from the user
who started the server, or does it bring the token? And no page may be framed by another one.

Over loopback the kernel knows whose socket the other end is (/proc/net/tcp), so the user who
started the server needs no token; others on the machine do, and where the kernel does not say
(macOS), so does everybody. The token is a file that only that user can read; one visit with
`?token=` leaves it in a cookie. Where people sign in, sign-in decides instead: see `access.py`.
"""

from __future__ import annotations

import hmac
import ipaddress
import os
import secrets
from collections.abc import Callable, Collection, Sequence
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READS = ("GET", "HEAD", "OPTIONS")
ALWAYS_OPEN = ("/_stcore/health",)  # says "ok", for whoever watches over processes
FRAMING = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}
TCP_TABLES = {4: Path("/proc/net/tcp"), 6: Path("/proc/net/tcp6")}


def ensure_token(path: Path) -> str:
    """The token in this file, which is made at first use and readable by its owner only."""
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(24))
    except FileExistsError:
        path.chmod(0o600)
    return path.read_text(encoding="ascii").strip()


class Gate:
    """ASGI middleware. `token` None: whoever passes the other questions is let in.

    `origins`: where pages may come from beside the Host itself, behind a proxy that rewrites it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        is_host_allowed: Callable[[str | None], bool],
        token: str | None,
        token_file: Path | None = None,
        origins: Collection[str] = (),
    ) -> None:
        self._app, self._is_host_allowed, self._token = app, is_host_allowed, token
        self._token_file, self._origins = token_file, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal, cookie = self._judge(scope)
        if refusal is not None and scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before accept: HTTP 403
            return
        answer = self._app if refusal is None else refusal
        await answer(scope, receive, self._with_headers(send, cookie))

    def _judge(self, scope: Scope) -> tuple[Response | None, str | None]:
        """What to answer instead of the app (None: let it in), and the cookie to leave behind."""
        headers = Headers(scope=scope)
        if not self._is_host_allowed(headers.get("host")):
            return _refuse(
                "This name is not one that the dashboard answers to. Open it by its own address, "
                "or list the name in server.allowedHosts."
            ), None
        if not self._is_from_here(scope, headers):
            return _refuse("Another site asked for this. Open the dashboard itself."), None
        if self._token is None or scope["path"] in ALWAYS_OPEN:
            return None, None
        return self._ask_for_token(scope, headers, self._token)

    def _ask_for_token(
        self, scope: Scope, headers: Headers, token: str
    ) -> tuple[Response | None, str | None]:
        name = f"rft_token_{(scope.get('server') or ('', 0))[1]}"  # cookies know no ports
        if _is_same(_read_cookie(headers, name), token):
            return None, None
        cookie = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000"
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if _is_same(dict(query).get("token"), token):
            rest = urlencode([pair for pair in query if pair[0] != "token"])
            path = "/" + scope["path"].lstrip("/")  # "//elsewhere" would lead to another site
            return RedirectResponse(f"{path}?{rest}" if rest else path, 303), cookie
        if is_own_socket(scope.get("client"), scope.get("server")):
            return None, cookie
        return _refuse(
            "This dashboard belongs to the user who started it. Open the address with ?token= that "
            f"was printed when it started; the token is in {self._token_file}.",
            401,
        ), None

    def _is_from_here(self, scope: Scope, headers: Headers) -> bool:
        """Browsers name the origin of what can change things: websockets, and all but reads."""
        origin = headers.get("origin")
        if origin is None or (scope["type"] == "http" and scope["method"] in READS):
            return True
        return urlsplit(origin).netloc == headers.get("host") or origin in self._origins

    @staticmethod
    def _with_headers(send: Send, cookie: str | None) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in FRAMING.items():
                    headers[name] = value
                if cookie:
                    headers.append("Set-Cookie", cookie)
            await send(message)

        return send_with_headers


def is_own_socket(client: Sequence[object] | None, server: Sequence[object] | None) -> bool:
    """Does the other end of this loopback connection belong to the user of this process?

    False also where nothing says so: other platforms, other machines, a proxy of another user.
    """
    if not client or not server:
        return False
    try:
        address = ipaddress.ip_address(str(client[0]))
        if not address.is_loopback:
            return False
        wanted = (_as_kernel(address, client[1]), _as_kernel_of(server))
        for line in TCP_TABLES[address.version].read_text(encoding="ascii").splitlines()[1:]:
            fields = line.split()
            if (fields[1], fields[2]) == wanted:
                return int(fields[7]) == os.getuid()
    except (OSError, ValueError, IndexError):
        return False
    return False


def _as_kernel_of(end: Sequence[object]) -> str:
    return _as_kernel(ipaddress.ip_address(str(end[0])), end[1])


def _as_kernel(address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: object) -> str:
    """As /proc/net/tcp writes an end: each 4 bytes in the machine's order (little-endian)."""
    packed = address.packed
    words = [packed[i : i + 4][::-1].hex() for i in range(0, len(packed), 4)]
    return f"{''.join(words)}:{int(str(port)):04X}".upper()


def _is_same(given: str | None, token: str) -> bool:
    return given is not None and hmac.compare_digest(given.encode(), token.encode())


def _read_cookie(headers: Headers, name: str) -> str | None:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return None
    return morsel.value if morsel else None


def _refuse(why: str, status: int = 403) -> Response:
    return PlainTextResponse(f"RFT Studio: {why}\n", status)
