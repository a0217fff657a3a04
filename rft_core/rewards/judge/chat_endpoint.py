"""Ask an OpenAI-compatible chat endpoint, with retries, and count what it cost.

Any server that speaks `POST {base_url}/chat/completions` will do: vLLM, llama.cpp, Ollama, OpenAI.
The key is read from the environment and never stored. Nothing here knows what is asked.
"""

from __future__ import annotations

import email.message
import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

LARGEST_REPLY = 1 << 20
RETRIED_STATUS = {408, 409, 425, 429, 500, 502, 503, 504}
FIRST_PAUSE = 0.25  # seconds; doubled each time, unless the server says how long
LOOPBACK = {"127.0.0.1", "localhost", "::1"}


@dataclass(frozen=True)
class Reply:
    """What the model said, and what it took. `retries` are the attempts that failed before."""

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    retries: int = 0


class EndpointError(Exception):
    """No usable reply; the text says why."""


class _PassingError(Exception):
    """Worth another attempt, after `pause` seconds where the server named them."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True)
class ChatEndpoint:
    """`timeout` is for one attempt, in seconds. `key_variable` names an environment variable."""

    base_url: str
    model: str
    key_variable: str = ""
    timeout: float = 30.0
    retries: int = 3

    def ask(self, messages: Sequence[Mapping[str, str]], deadline: float, **settings: Any) -> Reply:
        """The reply, before `deadline` on the monotonic clock. Raises `EndpointError`."""
        body = {"model": self.model, "messages": list(messages), **settings}
        start = time.monotonic()
        for attempt in range(self.retries + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                raise EndpointError("the time for this batch was used up")
            try:
                answer = self._post(body, min(self.timeout, left))
                return _read_reply(answer, time.monotonic() - start, attempt)
            except _PassingError as error:
                if attempt == self.retries:
                    raise EndpointError(f"{error} ({attempt + 1} attempts)") from error
                pause = FIRST_PAUSE * 2**attempt if error.pause is None else error.pause
                time.sleep(max(0.0, min(pause, deadline - time.monotonic())))
        raise AssertionError("the loop returns or raises")

    def _post(self, body: Mapping[str, Any], timeout: float) -> Any:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(self.key_variable) if self.key_variable else None:
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(
            f"{self.base_url.rstrip('/')}/chat/completions", json.dumps(body).encode(), headers
        )
        direct = urlsplit(self.base_url).hostname in LOOPBACK
        proxies = [urllib.request.ProxyHandler({})] if direct else []
        try:
            with urllib.request.build_opener(*proxies).open(request, timeout=timeout) as response:
                return json.loads(_read_in_time(response, timeout))
        except urllib.error.HTTPError as error:
            with error:
                message = (
                    f"it answered HTTP {error.code}: {error.read(300).decode('utf-8', 'replace')}"
                )
            if error.code not in RETRIED_STATUS:
                raise EndpointError(message) from error
            raise _PassingError(message, _retry_after(error.headers)) from error
        except TimeoutError as error:
            raise _PassingError(f"it did not answer within {timeout:.3g} s") from error
        except ValueError as error:
            raise _PassingError("its answer is not JSON") from error
        except (OSError, http.client.HTTPException) as error:
            raise _PassingError(f"it cannot be reached: {error}") from error


def _read_in_time(response: Any, timeout: float) -> bytes:
    """The body; a server that sends one byte at a time does not get more time than another."""
    deadline, data = time.monotonic() + timeout, bytearray()
    while part := response.read1(1 << 16):
        data += part
        if time.monotonic() > deadline:
            raise TimeoutError
        if len(data) > LARGEST_REPLY:
            raise ValueError("too large")
    return bytes(data)


def _read_reply(answer: Any, seconds: float, retries: int) -> Reply:
    try:
        text = answer["choices"][0]["message"]["content"]
        usage = answer.get("usage") or {}
        tokens = [int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens")]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise _PassingError("its answer is no chat completion") from error
    if not isinstance(text, str):
        raise _PassingError("its answer holds no text")
    return Reply(text, tokens[0], tokens[1], seconds, retries)


def _retry_after(headers: email.message.Message) -> float | None:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None
