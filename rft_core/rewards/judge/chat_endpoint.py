"""Ask an OpenAI-compatible chat endpoint, with retries, and count what it cost.

Any server that speaks `POST {base_url}/chat/completions` will do: vLLM, llama.cpp, Ollama, OpenAI.
Redirects are not followed: the key and the texts are for the named host alone. What the server says
is believed in nothing: its answer has a largest size and a last moment, and the key is cut out of
every text that comes from it. Nothing here knows what is asked.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

from rft_core.rewards.judge.keys import LOOPBACK, get_key, mask
from rft_core.rewards.judge.rate_limit import (
    MonotonicClock,
    RateLimit,
    RequestTurn,
    TimeLeft,
    WaitingClock,
    estimate_tokens,
)

LARGEST_REPLY = 1 << 20  # bytes
LONGEST_SHOWN = 300  # characters of a server's error
MOST_COUNTED = 10**9  # tokens of one answer; more is a lie
FINISH_REASONS = ("stop", "length", "content_filter")
RETRIED_STATUS = {408, 409, 425, 429, 500, 502, 503, 504}
FIRST_PAUSE = 0.25  # seconds; doubled each time, unless the server says how long


@dataclass(frozen=True)
class ChatReply:
    """What the model said, and what it took. `retries` are the attempts that failed before.

    `finish_reason`: "stop" where the model ended by itself, "length" where it was cut off; "" where
    the endpoint does not say.
    """

    text: str
    tokens_in: int
    tokens_out: int
    seconds: float
    retries: int = 0
    finish_reason: str = ""


class EndpointError(Exception):
    """No usable reply; the text says why."""


class _PassingError(Exception):
    """Worth another attempt, after `pause` seconds where the server named them."""

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True)
class ChatEndpoint:
    """`timeout` is for one attempt, in seconds. `key_variable` names an environment variable.

    `limit`: shared by all that ask this endpoint.
    """

    base_url: str
    model: str
    key_variable: str = ""
    timeout: float = 30.0
    retries: int = 3
    limit: RateLimit = field(default_factory=RateLimit)
    clock: WaitingClock = field(default_factory=MonotonicClock)

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        """Kept open between questions, in the event loop that first asks one."""
        return httpx.AsyncClient(
            follow_redirects=False,
            trust_env=httpx.URL(self.base_url).host not in LOOPBACK,  # no proxy for this machine
            timeout=None,  # `_post` ends an attempt as a whole, also one of slow headers
            limits=httpx.Limits(max_connections=None),
        )

    async def close(self) -> None:
        await self._client.aclose()

    def mask(self, text: str) -> str:
        """The text without the key in it."""
        return mask(text, get_key(self.key_variable))

    async def ask(
        self,
        messages: Sequence[Mapping[str, str]],
        time_left: TimeLeft,
        *,
        max_tokens: int,
        **settings: Any,
    ) -> ChatReply:
        """The reply, in the time that is left. Raises `EndpointError`."""
        body = {"model": self.model, "messages": list(messages), "max_tokens": max_tokens}
        tokens = estimate_tokens("".join(m["content"] for m in messages)) + max_tokens
        begin = time_left.seconds()
        for attempt in range(self.retries + 1):
            if time_left.seconds() <= 0:
                raise EndpointError("the time for this completion was used up")
            turn = await self._wait_for_turn(tokens, time_left)
            try:
                answer = await self._post(
                    body | settings, min(self.timeout, max(0.0, time_left.seconds()))
                )
                reply = self._read_reply(answer, begin - time_left.seconds(), attempt)
            except _PassingError as error:
                if attempt == self.retries:
                    raise EndpointError(f"{error} ({attempt + 1} attempts)") from None
                pause = FIRST_PAUSE * 2**attempt if error.pause is None else error.pause
                await self.clock.sleep(max(0.0, min(pause, time_left.seconds())))
            else:
                self.limit.settle(turn, reply.tokens_in + reply.tokens_out or tokens)
                return reply
        raise AssertionError("the loop returns or raises")

    async def _wait_for_turn(self, tokens: int, time_left: TimeLeft) -> RequestTurn:
        now = self.clock.now()
        try:
            turn = self.limit.take_turn(tokens, now)
        except ValueError as error:
            raise EndpointError(str(error)) from None
        if turn.moment > now:
            await self.clock.sleep(turn.moment - now)
            time_left.give_back(self.clock.now() - now)
        return turn

    async def _post(self, body: Mapping[str, Any], timeout: float) -> Any:
        """The parsed answer. A server that sends byte after byte gets no more time than another."""
        try:
            async with asyncio.timeout(timeout):
                status, headers, data = await self._exchange(body)
        except TimeoutError:
            raise _PassingError(f"it did not answer within {timeout:.3g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            why = self.mask(str(error)) or type(error).__name__
            raise _PassingError(f"it cannot be reached: {why:.{LONGEST_SHOWN}}") from None
        if status == httpx.codes.OK:
            return _parse(data)
        if httpx.codes.is_redirect(status):
            raise EndpointError(
                f"it answered HTTP {status}, a redirect, which is not followed: give base_url the "
                "endpoint's own address"
            )
        text = self.mask(data.decode("utf-8", "replace"))
        message = f"it answered HTTP {status}: {text:.{LONGEST_SHOWN}}"
        if status in RETRIED_STATUS:
            raise _PassingError(message, _retry_after(headers))
        raise EndpointError(message)

    async def _exchange(self, body: Mapping[str, Any]) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and the body as it was sent, up to the largest size."""
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        if key := get_key(self.key_variable):
            headers["Authorization"] = f"Bearer {key}"
        url, data = f"{self.base_url.rstrip('/')}/chat/completions", bytearray()
        content = json.dumps(body).encode()
        async with self._client.stream("POST", url, content=content, headers=headers) as response:
            async for part in response.aiter_raw():  # raw: a small answer may unpack to a large one
                data += part
                if len(data) > LARGEST_REPLY:
                    if response.is_success:
                        raise _PassingError("its answer is too large")
                    break
            return response.status_code, response.headers, bytes(data)

    def _read_reply(self, answer: Any, seconds: float, retries: int) -> ChatReply:
        try:
            choice = answer["choices"][0]
            text = choice["message"]["content"]
            ending = choice.get("finish_reason")
            usage = answer.get("usage") or {}
            counts = [usage.get(name) or 0 for name in ("prompt_tokens", "completion_tokens")]
            tokens = [min(max(0, int(count)), MOST_COUNTED) for count in counts]
        except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise _PassingError("its answer is no chat completion") from error
        if not isinstance(text, str):
            raise _PassingError("its answer holds no text")
        ended = ending if ending in FINISH_REASONS else ""
        return ChatReply(self.mask(text), tokens[0], tokens[1], seconds, retries, ended)


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except RecursionError:
        raise _PassingError("its answer is nested too deeply to be read") from None
    except ValueError:
        raise _PassingError("its answer is not JSON") from None


def _retry_after(headers: httpx.Headers) -> float | None:
    try:
        return max(0.0, float(headers.get("Retry-After", "")))
    except ValueError:
        return None
