"""A hub on the loopback that serves one folder as `nobody/tiny`; `nobody/gated` is gated."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextlib.contextmanager
def serve_hub(folder: Path) -> Iterator[str]:
    """The hub's address, for HF_ENDPOINT."""

    class Handler(FakeHub):
        served = folder

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


class FakeHub(http.server.BaseHTTPRequestHandler):
    """The four addresses that a snapshot download asks for."""

    served: Path

    def do_GET(self) -> None:
        path = self.path.split("?")[0]
        if path == "/api/models/nobody/tiny/revision/main":
            self._reply(json.dumps({"id": "nobody/tiny", "sha": COMMIT, "siblings": []}).encode())
        elif path == f"/api/models/nobody/tiny/tree/{COMMIT}":
            self._reply(json.dumps([self._describe(file) for file in self._files()]).encode())
        elif path.startswith(f"/nobody/tiny/resolve/{COMMIT}/"):
            self._reply((self.served / path.rsplit("/", 1)[-1]).read_bytes())
        elif "gated" in path:
            self._refuse(403, "GatedRepo")
        else:
            self._refuse(404, "RepoNotFound")

    do_HEAD = do_GET  # noqa: N815  # the name is http.server's

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests' output is for the tests."""

    def _files(self) -> list[Path]:
        return [path for path in self.served.iterdir() if path.is_file()]

    def _describe(self, file: Path) -> dict[str, object]:
        content = file.read_bytes()
        digest = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": file.name, "size": len(content), "oid": digest}

    def _reply(self, content: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content)

    def _refuse(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
