"""A hub on the loopback that takes models: what huggingface_hub calls to make a repository, to
upload files small and large, and to download them again. Files are kept and served as they came.
"""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import yaml

TOKEN = "hf_" + "loopbackToken0123456789abcdefghij"
OWNER = "someone"
LARGE = (".safetensors", ".bin")


@dataclass
class LoopbackHub:
    """`repositories`: name -> files; `private`: name -> whether it is. `asked`: every request."""

    url: str = ""
    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def head(self) -> str:
        return hashlib.sha1(str(len(self.commits)).encode()).hexdigest()


@contextmanager
def serve_loopback_hub() -> Iterator[LoopbackHub]:
    """Its address is for HF_ENDPOINT, and `TOKEN` is the one token that it knows."""
    hub = LoopbackHub()

    class Bound(_Handler):
        kept = hub

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bound) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    kept: LoopbackHub
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        path, body = self._open()
        if not self._is_known() and "/blobs/" not in path:
            self._refuse(401, "Invalid credentials in Authorization header")
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path == "/api/validate-yaml":
            self._validate(json.loads(body)["content"])
        elif path.endswith("/preupload/main"):
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(LARGE) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            self._reply({"files": files})
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._offer_upload(json.loads(body)["objects"])
        elif path.endswith("/commit/main"):
            name = path.removeprefix("/api/models/").removesuffix("/commit/main")
            self._commit(name, [json.loads(line) for line in body.splitlines()])
        else:
            self._refuse(404, f"nothing at {path}")

    def do_PUT(self) -> None:
        path, body = self._open()
        digest = path.rsplit("/", 1)[-1]
        if hashlib.sha256(body).hexdigest() != digest:
            self._refuse(400, "another content than was announced")
            return
        self.kept.blobs[digest] = body
        self._reply({})

    def do_GET(self) -> None:
        path, _ = self._open()
        if not self._is_known():
            self._refuse(401, "Invalid credentials in Authorization header")
        elif path == "/api/whoami-v2":
            self._reply({"type": "user", "name": OWNER, "orgs": [], "auth": {}})
        elif path.startswith("/api/models/"):
            self._describe(path.removeprefix("/api/models/"))
        elif "/resolve/" in path:
            name, _, file = path.strip("/").partition("/resolve/")
            files, wanted = self.kept.repositories.get(name, {}), file.partition("/")[2]
            if wanted in files:
                self._send(200, files[wanted], "application/octet-stream")
            else:
                self._refuse(404, "no such file", code="EntryNotFound")
        else:
            self._refuse(404, f"nothing at {path}")

    do_HEAD = do_GET  # noqa: N815  # the name is http.server's

    def log_message(self, format: str, *args: object) -> None:
        """Silent: the tests' output is for the tests."""

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        if asked["organization"] != OWNER:
            self._refuse(403, f"You have no rights to create a model under {name}")
            return
        is_there = name in self.kept.repositories
        self.kept.repositories.setdefault(name, {})
        visibility = asked.get("visibility") or ("private" if asked.get("private") else "public")
        self.kept.private.setdefault(name, visibility == "private")
        self._reply({"url": f"{self.kept.url}/{name}", "name": name}, 409 if is_there else 200)

    def _validate(self, card: str) -> None:
        """As the hub does: a base that it does not have is refused."""
        about = yaml.safe_load(card.split("---")[1])
        base = about.get("base_model")
        if base is not None and base.count("/") != 1:
            told = {"message": f'"base_model" with value "{base}" is not valid.'}
            self._reply({"errors": [told], "warnings": []}, 400)
            return
        self._reply({"errors": [], "warnings": []})

    def _offer_upload(self, objects: list[dict[str, Any]]) -> None:
        offered = [
            {
                **one,
                "authenticated": True,
                "actions": {"upload": {"href": f"{self.kept.url}/blobs/{one['oid']}"}},
            }
            for one in objects
        ]
        self._reply({"transfer": "basic", "objects": offered})

    def _commit(self, name: str, lines: list[dict[str, Any]]) -> None:
        files = self.kept.repositories[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                self.kept.commits.append(value["summary"])
            elif line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.kept.blobs[value["oid"]]
        oid = self.kept.head
        address = f"{self.kept.url}/{name}/commit/{oid}"
        self._reply({"success": True, "commitOid": oid, "commitUrl": address})

    def _describe(self, rest: str) -> None:
        """A repository, or its files one by one."""
        name = "/".join(rest.split("/")[:2])
        files = self.kept.repositories.get(name)
        if files is None:
            self._refuse(404, "no such repository", code="RepoNotFound")
        elif "/tree/" in rest:
            self._reply([_describe_file(path, content) for path, content in files.items()])
        else:
            siblings = [{"rfilename": path} for path in files]
            about = {"id": name, "sha": self.kept.head, "private": self.kept.private[name]}
            self._reply(about | {"siblings": siblings})

    def _open(self) -> tuple[str, bytes]:
        path = self.path.split("?")[0]
        self.kept.asked.append(f"{self.command} {path}")
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            return path, self._read_chunks()
        return path, self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _read_chunks(self) -> bytes:
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _refuse(self, status: int, why: str, code: str = "") -> None:
        self._reply({"error": why}, status, {"X-Error-Code": code, "X-Error-Message": why})

    def _reply(
        self, content: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self._send(status, json.dumps(content).encode(), "application/json", headers)

    def _send(
        self, status: int, content: bytes, kind: str, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", f'"{hashlib.sha1(content).hexdigest()}"')
        self.send_header("X-Repo-Commit", self.kept.head)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _describe_file(path: str, content: bytes) -> dict[str, Any]:
    digest = hashlib.sha1(content).hexdigest()
    return {"type": "file", "path": path, "size": len(content), "oid": digest}
