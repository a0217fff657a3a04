"""A real HTTP server that speaks the chat protocol, and misbehaves as it is told."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Behaviour = Callable[[str, int], Any]  # the user message and how often it was seen -> a reply


@dataclass
class JudgeServer:
    """`behave` returns the judge's text, or (status, headers, body), or seconds to hang."""

    behave: Behaviour
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""


@contextmanager
def serve(behave: Behaviour) -> Iterator[JudgeServer]:
    state = JudgeServer(behave)
    lock, leaving = threading.Lock(), threading.Event()
    busy = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal busy
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            user = body["messages"][-1]["content"]
            with lock:
                busy += 1
                state.most_at_once = max(state.most_at_once, busy)
                state.requests.append(body)
                state.keys.append(self.headers.get("Authorization"))
                seen = sum(r["messages"][-1]["content"] == user for r in state.requests)
            answer = state.behave(user, seen)
            if isinstance(answer, float):
                leaving.wait(answer)
                answer = (500, {}, b"")
            if isinstance(answer, str):
                answer = (200, {}, json.dumps(chat(answer)).encode())
            status, headers, data = answer
            with lock:
                busy -= 1
            try:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client has given up

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        leaving.set()
        server.shutdown()
        thread.join()
        server.server_close()


def chat(text: str) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


def slowly(text: str, seconds: float) -> str:
    time.sleep(seconds)
    return text
