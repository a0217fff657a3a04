"""The gate before Streamlit: whose requests reach the dashboard's server at all."""

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect

from pages.components.gate import Gate, ensure_token, is_own_socket

TOKEN = "the-token"
HERE = {"host": "127.0.0.1:8501"}
STRANGER = ("10.0.0.7", 5000)  # no socket of this machine's


def open_client(
    *, token: str | None = TOKEN, origins: tuple[str, ...] = (), client: tuple[str, int] = STRANGER
) -> TestClient:
    def read(request: object) -> PlainTextResponse:
        return PlainTextResponse("inside")

    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text("inside")
        await socket.close()

    gate = Middleware(
        Gate,
        is_host_allowed=lambda host: (host or "").split(":")[0] in ("127.0.0.1", "localhost"),
        token=token,
        token_file=Path("runs/dashboard.token"),
        origins=origins,
    )
    routes = [
        Route("/{path:path}", read, methods=["GET", "POST", "PUT"]),
        WebSocketRoute("/{path:path}", talk),
    ]
    app = Starlette(routes=routes, middleware=[gate])
    return TestClient(app, base_url="http://127.0.0.1:8501", client=client, follow_redirects=False)


def is_let_in(client: TestClient, headers: dict[str, str]) -> bool:
    try:
        with client.websocket_connect("ws://127.0.0.1:8501/stream", headers=HERE | headers) as talk:
            return talk.receive_text() == "inside"
    except WebSocketDisconnect:
        return False


def test_a_name_that_is_not_ours_reaches_nothing() -> None:
    client = open_client(token=None)
    assert client.get("/", headers={"host": "evil.example:8501"}).status_code == 403
    assert client.get("/", headers=HERE).text == "inside"
    assert not is_let_in(
        client, {"host": "evil.example:8501", "origin": "http://evil.example:8501"}
    )


@pytest.mark.parametrize(
    "origin", ["http://localhost:9999", "http://127.0.0.1:8502", "https://evil.example", "null"]
)
def test_another_site_opens_no_websocket_and_changes_nothing(origin: str) -> None:
    client = open_client(token=None)
    assert not is_let_in(client, {"origin": origin})
    assert client.post("/x", headers=HERE | {"origin": origin}).status_code == 403
    assert client.put("/x", headers=HERE | {"origin": origin}).status_code == 403


def test_the_dashboard_itself_opens_its_websocket() -> None:
    assert is_let_in(open_client(token=None), {"origin": "http://127.0.0.1:8501"})
    assert is_let_in(open_client(token=None), {})  # not a browser


def test_the_address_people_are_sent_back_to_after_sign_in_is_an_address_of_ours() -> None:
    client = open_client(token=None, origins=("https://rft.example.com",))
    assert is_let_in(client, {"origin": "https://rft.example.com"})
    assert not is_let_in(client, {"origin": "https://rft.example.com.evil.example"})


def test_no_page_may_be_framed() -> None:
    for path in ("/", "/train", "/_stcore/health"):
        headers = open_client(token=None).get(path, headers=HERE).headers
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_without_the_token_a_stranger_sees_one_sentence() -> None:
    client = open_client()
    answer = client.get("/monitor", headers=HERE)
    assert answer.status_code == 401 and "inside" not in answer.text
    assert "dashboard.token" in answer.text and TOKEN not in answer.text
    assert not is_let_in(client, {})
    assert client.get("/monitor?token=wrong", headers=HERE).status_code == 401
    assert client.get("/monitor?token=", headers=HERE).status_code == 401
    assert client.get("/_stcore/health", headers=HERE).text == "inside"


def test_one_visit_with_the_token_is_remembered_and_takes_it_out_of_the_address() -> None:
    client = open_client()
    visit = client.get(f"/monitor?run=a%20b&token={TOKEN}", headers=HERE)
    assert visit.status_code == 303 and visit.headers["location"] == "/monitor?run=a+b"
    cookie = visit.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert client.get("/monitor", headers=HERE).text == "inside"  # the client kept the cookie
    assert is_let_in(client, {})


def test_the_way_back_from_the_token_never_leads_to_another_site() -> None:
    answer = open_client().get(f"http://127.0.0.1:8501//evil.example/?token={TOKEN}", headers=HERE)
    assert answer.headers["location"] == "/evil.example/"


def test_a_cookie_that_cannot_be_read_is_no_cookie() -> None:
    for cookie in ("rft_token_80", "rft_token_80=ä", ";;;=", "a" * 5000):
        headers = [("host", HERE["host"].encode()), ("cookie", cookie.encode("latin-1"))]
        assert open_client().get("/", headers=headers).status_code == 401


@contextmanager
def connected(family: socket.AddressFamily) -> Iterator[tuple[socket.socket, socket.socket]]:
    address = "127.0.0.1" if family == socket.AF_INET else "::1"
    with socket.create_server((address, 0), family=family) as listener:
        client = socket.create_connection(listener.getsockname()[:2])
        server, _ = listener.accept()
        with client, server:
            yield client, server


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_a_connection_of_the_same_user_is_known_by_its_socket(
    family: socket.AddressFamily,
) -> None:
    with connected(family) as (client, server):
        assert is_own_socket(server.getpeername()[:2], server.getsockname()[:2])
        gone = ("127.0.0.1" if family == socket.AF_INET else "::1", 1)
        assert not is_own_socket(gone, server.getsockname()[:2])
        assert client.fileno() > 0
    assert not is_own_socket(STRANGER, ("127.0.0.1", 8501))
    assert not is_own_socket(None, ("127.0.0.1", 8501))
    assert not is_own_socket(("testclient", 50000), ("127.0.0.1", 8501))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_connection_of_another_user_is_not_taken_for_our_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        asked, told = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.setuid(65534)
                with socket.create_connection(listener.getsockname()):
                    os.read(asked, 1)
            finally:
                os._exit(0)
        server, peer = listener.accept()
        with server:
            assert not is_own_socket(peer, server.getsockname())
        os.write(told, b"x")
        os.waitpid(child, 0)


def test_the_token_file_is_made_once_and_is_private(tmp_path: Path) -> None:
    path = tmp_path / "dashboard.token"
    first = ensure_token(path)
    assert len(first) >= 24 and ensure_token(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    ensure_token(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
