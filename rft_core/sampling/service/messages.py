"""The words of generation, and how the client and the service say them over the socket.

One request per connection, then events until `done` or `error`; each is one line of JSON, checked
against the types below when it is read. Nothing is pickled, so that a message can be read with
`nc -U` and cannot run code. No torch here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from rft_core import errors
from rft_core.errors import BadInputError, RftError, quote
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.sampling.settings import Dtype, EngineName, EngineSettings
from rft_core.types import Completion, Messages

__all__ = ["Dtype", "EngineName", "EngineSettings", "SamplingParams"]  # the rest is declared here

PROTOCOL_VERSION = 5  # a service that speaks another version is replaced
SAMPLING = "sampling"  # how progress begins once the model is loaded and its turn has come
PlainMessages = list[dict[str, str]]


@dataclass(frozen=True)
class Lane:
    """One column of a side-by-side stream: the base (`adapter=None`) or a tuned model.

    `messages`: what this lane answers, where it has a conversation of its own; None: what all
    answer. `index`: which of the samples of these messages, so that lanes of one model differ.
    """

    label: str
    adapter: Path | None = None
    messages: Messages | None = None
    index: int = 0


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SampleRequest(_Request):
    """`n` completions of each prompt."""

    request: Literal["sample"] = "sample"
    model: str
    settings: EngineSettings
    params: SamplingParams
    prompts: list[PlainMessages]
    n: int = Field(ge=1)
    adapter: Path | None = None


class StreamRequest(_Request):
    """One completion by each lane, token by token; `messages` for those that bring none."""

    request: Literal["stream"] = "stream"
    model: str
    settings: EngineSettings
    params: SamplingParams
    messages: PlainMessages
    lanes: list[Lane] = Field(min_length=1)


class TokensRequest(_Request):
    """How likely each token of a completion was, to the adapter and to the base.

    `prompt`: the exact string that was tokenised, chat template included.
    """

    request: Literal["tokens"] = "tokens"
    model: str
    settings: EngineSettings
    prompt: str
    completion: str
    adapter: Path | None = None


class RenderRequest(_Request):
    """The exact prompts; needs the tokenizer alone."""

    request: Literal["render"] = "render"
    model: str
    prompts: list[PlainMessages]
    chat_template_kwargs: dict[str, Any] = Field(default_factory=dict)


class ControlRequest(_Request):
    """`status`: what is held. `free`: give the model's memory back, `who` needs it. `quit`: go."""

    request: Literal["status", "free", "quit"]
    who: str = ""


Request = SampleRequest | StreamRequest | TokensRequest | RenderRequest | ControlRequest


@dataclass(frozen=True)
class Accepted:
    """The service has taken the request; nothing was done before."""

    version: int
    event: Literal["accepted"] = "accepted"


@dataclass(frozen=True)
class LoadProgress:
    """Something to show while waiting. `fraction` in [0, 1], None where it is unknown."""

    message: str
    fraction: float | None = None
    event: Literal["progress"] = "progress"


@dataclass(frozen=True)
class SampledGroup:
    """All completions of the prompt at `index`."""

    index: int
    completions: tuple[Completion, ...]
    event: Literal["group"] = "group"


@dataclass(frozen=True)
class TextDelta:
    """New text of one lane; the deltas of a lane, joined, are its completion's text."""

    lane: str
    text: str
    num_tokens: int  # so far
    tokens_per_second: float
    event: Literal["delta"] = "delta"


@dataclass(frozen=True)
class LaneDone:
    """A lane has finished; `completion` is the whole of it."""

    lane: str
    completion: Completion
    tokens_per_second: float
    event: Literal["lane_done"] = "lane_done"


@dataclass(frozen=True)
class RenderedPrompt:
    """The exact string and tokens the model sees, with the chat template applied."""

    text: str
    token_ids: tuple[int, ...]
    pieces: tuple[str, ...]  # each token decoded alone, for display
    event: Literal["rendered"] = "rendered"


@dataclass(frozen=True)
class TokensRead:
    """A completion token by token: its pieces, decoded alone, and what was to be expected of each.

    `logprobs` are natural and of the model as it is, at temperature 1; `entropies` (nats) are those
    of the distribution that the token was drawn from; `base_logprobs` are the base's.
    """

    pieces: tuple[str, ...]
    logprobs: tuple[float, ...]
    entropies: tuple[float, ...]
    base_logprobs: tuple[float, ...]
    event: Literal["tokens_read"] = "tokens_read"


@dataclass(frozen=True)
class ServiceStatus:
    """What the generation service holds. `model` is None where no model is loaded."""

    pid: int
    version: int
    model: str | None
    adapters: tuple[str, ...]
    busy: bool
    memory_bytes: int
    idle_timeout: float  # seconds after which an idle service exits
    event: Literal["status"] = "status"


@dataclass(frozen=True)
class Done:
    """The last event of a request that succeeded."""

    event: Literal["done"] = "done"


@dataclass(frozen=True)
class ServiceError:
    """The last event of one that did not. `kind`: the name of a class in `rft_core.errors`."""

    kind: str
    what: str
    why: str
    fix: str
    event: Literal["error"] = "error"

    @classmethod
    def of(cls, error: RftError) -> ServiceError:
        return cls(type(error).__name__, error.what, error.why, error.fix)

    def as_error(self) -> RftError:
        kind = getattr(errors, self.kind, RftError)
        is_ours = isinstance(kind, type) and issubclass(kind, RftError)
        return (kind if is_ours else RftError)(self.what, self.why, self.fix)


StreamEvent = LoadProgress | TextDelta | LaneDone
Event = (
    Accepted
    | LoadProgress
    | SampledGroup
    | TextDelta
    | LaneDone
    | RenderedPrompt
    | TokensRead
    | ServiceStatus
    | Done
    | ServiceError
)

_REQUESTS: TypeAdapter[Request] = TypeAdapter(
    Annotated[Request, Field(discriminator="request")],
)
_EVENTS: TypeAdapter[Event] = TypeAdapter(
    Annotated[Event, Field(discriminator="event")], config=ConfigDict(ser_json_inf_nan="constants")
)


def write_request(file: BinaryIO, request: Request) -> None:
    file.write(_REQUESTS.dump_json(request) + b"\n")
    file.flush()


def write_event(file: BinaryIO, event: Event) -> None:
    file.write(_EVENTS.dump_json(event) + b"\n")
    file.flush()


def read_line(file: BinaryIO) -> bytes | None:
    """The next message; None when the other side has closed (perhaps in the middle of a line)."""
    line = file.readline()
    return line if line.endswith(b"\n") else None


def parse_request(line: bytes) -> Request:
    """Raises BadInputError for what is no request of this version."""
    try:
        return _REQUESTS.validate_json(line)
    except ValidationError as error:
        raise _not_understood("request", error) from error


def parse_event(line: bytes) -> Event:
    """Raises BadInputError for what is no event of this version."""
    try:
        return _EVENTS.validate_json(line)
    except ValidationError as error:
        raise _not_understood("answer", error) from error


def make_request(kind: type[_Request], **values: Any) -> Any:
    """A request from what a caller gave. Raises BadInputError for what cannot be sent."""
    try:
        request = kind(**values)
        request.model_dump_json()
    except ValidationError as error:
        raise _not_understood("request", error) from error
    except PydanticSerializationError as error:
        raise BadInputError(
            "The request cannot be sent",
            "It holds half a character (a lone surrogate)",
            "Write that character anew",
        ) from error
    return request


def plain_messages(messages: Messages) -> PlainMessages:
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


def _not_understood(what: str, error: ValidationError) -> BadInputError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"][-4:])
    return BadInputError(
        f"The {what} cannot be understood",
        f"{where}: {first['msg']}, and not {quote(first.get('input'))}",
        "Correct it; if it is not yours, the two ends are of different versions",
    )
