"""The words of generation, and how the client and the service say them over the socket.

One request per connection, then events until `done` or `error`; each is one line of JSON. Nothing
is pickled, so that a message can be read with `nc -U` and cannot run code. No torch here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from rft_core import errors
from rft_core.errors import BadInputError, RftError
from rft_core.types import Completion, Messages

PROTOCOL_VERSION = 2  # a service that speaks another version is replaced
EngineName = Literal["transformers", "vllm"]
Dtype = Literal["float32", "bfloat16", "auto"]


@dataclass(frozen=True)
class SamplingParams:
    """How to sample. Temperature 0 is greedy; top_k 0 keeps every token."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    max_completion_length: int = 256
    seed: int = 0

    def __post_init__(self) -> None:
        rules = {
            "temperature must be 0 (greedy) or more": self.temperature >= 0,
            "top_p must be above 0 and at most 1": 0 < self.top_p <= 1,
            "top_k must be 0 (all tokens) or more": self.top_k >= 0,
            "max_completion_length must be at least 1": self.max_completion_length >= 1,
            "seed must be 0 or more": self.seed >= 0,
        }
        broken = [rule for rule, holds in rules.items() if not holds]
        if broken:
            raise BadInputError("The sampling settings cannot be used", "; ".join(broken))


@dataclass(frozen=True)
class Lane:
    """One column of a side-by-side stream: the base (`adapter=None`) or a tuned model."""

    label: str
    adapter: Path | None = None


@dataclass(frozen=True)
class Progress:
    """Something to show while waiting. `fraction` in [0, 1], None where it is unknown."""

    message: str
    fraction: float | None = None


@dataclass(frozen=True)
class TextDelta:
    """New text of one lane; the deltas of a lane, joined, are its completion's text."""

    lane: str
    text: str
    num_tokens: int  # so far
    tokens_per_second: float


@dataclass(frozen=True)
class LaneDone:
    """A lane has finished; `completion` is the whole of it."""

    lane: str
    completion: Completion
    tokens_per_second: float


StreamEvent = Progress | TextDelta | LaneDone


@dataclass(frozen=True)
class RenderedPrompt:
    """The exact string and tokens the model sees, with the chat template applied."""

    text: str
    token_ids: tuple[int, ...]
    pieces: tuple[str, ...]  # each token decoded alone, for display


@dataclass(frozen=True)
class ServiceStatus:
    """What the generation service holds. `model` is None before the first request."""

    pid: int
    version: int
    model: str | None
    adapters: tuple[str, ...]
    busy: bool
    memory_bytes: int
    idle_timeout: float  # seconds after which an idle service exits


def write_message(file: BinaryIO, message: Mapping[str, Any]) -> None:
    """One line of JSON, flushed."""
    file.write(json.dumps(message, ensure_ascii=True).encode() + b"\n")
    file.flush()


def read_message(file: BinaryIO) -> dict[str, Any] | None:
    """The next message; None when the other side has closed (perhaps in the middle of a line)."""
    line = file.readline()
    if not line.endswith(b"\n"):
        return None
    message: dict[str, Any] = json.loads(line)
    return message


def event(kind: str, body: Any = None) -> dict[str, Any]:
    """`{"event": kind, ...}` with the fields of a dataclass, if one is given."""
    return {"event": kind, **(_plain(asdict(body)) if body is not None else {})}


def error_event(error: RftError) -> dict[str, Any]:
    kind = type(error).__name__
    return {"event": "error", "kind": kind, "what": error.what, "why": error.why, "fix": error.fix}


def make_error(message: Mapping[str, Any]) -> RftError:
    """The typed error that an `error` event describes."""
    kind = getattr(errors, str(message["kind"]), RftError)
    error: RftError = kind(message["what"], message["why"], message["fix"])
    return error


def make_completion(values: Mapping[str, Any]) -> Completion:
    return Completion(**{**values, "token_ids": tuple(values["token_ids"])})


def make_lanes(values: Sequence[Mapping[str, Any]]) -> list[Lane]:
    return [
        Lane(value["label"], Path(value["adapter"]) if value["adapter"] else None)
        for value in values
    ]


def make_stream_event(message: Mapping[str, Any]) -> StreamEvent:
    """The inverse of `event` for the three events of a stream."""
    values = {key: value for key, value in message.items() if key != "event"}
    match message["event"]:
        case "progress":
            return Progress(**values)
        case "delta":
            return TextDelta(**values)
        case _:
            return LaneDone(**{**values, "completion": make_completion(values["completion"])})


def plain_messages(messages: Messages) -> list[dict[str, str]]:
    """Messages as JSON can carry them, checked: each has a role and a content."""
    plain = [dict(message) for message in messages]
    for message in plain:
        if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
            raise BadInputError(
                "A message has no text", "", 'Each message is {"role": "user", "content": "..."}'
            )
    if not plain:
        raise BadInputError("The conversation is empty", "", "Give at least one user message")
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return str(value) if isinstance(value, Path) else value
