"""How pages and the command line sample: a client of the resident generation service. Torch-free.

The service is started on demand, as a process of its own session that outlives its clients. Every
call opens one connection; closing it (leaving a loop over `stream`, an exception in `on_progress`,
a killed page) cancels the request within one token.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rft_core.sampling.service.connection import (
    make_crash_error,
    open_request,
    open_request_if_running,
    read_reply,
)
from rft_core.sampling.service.messages import (
    ControlRequest,
    Done,
    Event,
    Lane,
    LaneDone,
    LoadProgress,
    RenderedPrompt,
    RenderRequest,
    Request,
    SampledGroup,
    SampleRequest,
    SamplingParams,
    ServiceError,
    ServiceStatus,
    StreamEvent,
    StreamRequest,
    TextDelta,
    TokensRead,
    TokensRequest,
    make_request,
    plain_messages,
)
from rft_core.sampling.settings import EngineSettings, default_settings
from rft_core.types import Completion, Messages

ProgressCallback = Callable[[LoadProgress], None]
DEFAULT_IDLE_TIMEOUT = 900.0


class GenerationClient:
    """Samples through the service of one runs folder. Cheap to make, safe in any thread."""

    def __init__(
        self,
        runs_dir: Path,
        settings: EngineSettings | None = None,
        *,
        idle_timeout: float = DEFAULT_IDLE_TIMEOUT,
    ) -> None:
        """`settings`: of the engine, as in training; other ones load the model again.

        `idle_timeout` (seconds) applies to a service that this client happens to start.
        """
        self._runs_dir = runs_dir.resolve()
        self._settings = settings or default_settings()
        self._idle_timeout = idle_timeout

    def sample(
        self,
        model: str,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        *,
        adapter: Path | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> list[list[Completion]]:
        """`n` completions of each prompt, in order. An exception in `on_progress` cancels."""
        groups: list[list[Completion]] = [[] for _ in prompts]
        for item in self.sample_groups(model, prompts, n, params, adapter):
            if isinstance(item, SampledGroup):
                groups[item.index] = list(item.completions)
            elif on_progress:
                on_progress(item)
        return groups

    def sample_groups(
        self,
        model: str,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        adapter: Path | None = None,
    ) -> Iterator[LoadProgress | SampledGroup]:
        """Each group as soon as it is complete, and progress in between."""
        if not prompts:
            return
        request: SampleRequest = make_request(
            SampleRequest,
            model=model,
            settings=self._settings,
            params=params,
            prompts=[plain_messages(messages) for messages in prompts],
            n=n,
            adapter=adapter.resolve() if adapter else None,
        )
        for event in self._ask(request):
            if isinstance(event, LoadProgress | SampledGroup):
                yield event

    def stream(
        self, model: str, messages: Messages, lanes: Sequence[Lane], params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """All lanes answer at once, token by token: `messages`, or a conversation of their own.

        Each lane gives exactly what `sample` gives at its index, so that lanes which answer the
        same messages do so with the same random numbers. Closing the iterator cancels.
        """
        request: StreamRequest = make_request(
            StreamRequest,
            model=model,
            settings=self._settings,
            params=params,
            messages=plain_messages(messages),
            lanes=[_plain_lane(lane) for lane in lanes],
        )
        for event in self._ask(request):
            if isinstance(event, LoadProgress | TextDelta | LaneDone):
                yield event

    def read_tokens(
        self,
        model: str,
        prompt: str,
        completion: str,
        *,
        adapter: Path | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> TokensRead:
        """How likely each token of `completion` was behind the exact string `prompt`."""
        request: TokensRequest = make_request(
            TokensRequest,
            model=model,
            settings=replace(self._settings, engine="transformers"),
            prompt=prompt,
            completion=completion,
            adapter=adapter.resolve() if adapter else None,
        )
        found = None
        for event in self._ask(request):
            if isinstance(event, TokensRead):
                found = event
            elif isinstance(event, LoadProgress) and on_progress:
                on_progress(event)
        assert found is not None  # the service said so, or said why not
        return found

    def render(
        self,
        model: str,
        messages_list: Sequence[Messages],
        on_progress: ProgressCallback | None = None,
        *,
        chat_template_kwargs: Mapping[str, Any] | None = None,
    ) -> list[RenderedPrompt]:
        """The exact string and tokens of each conversation, from the tokenizer alone."""
        request: RenderRequest = make_request(
            RenderRequest,
            model=model,
            prompts=[plain_messages(messages) for messages in messages_list],
            chat_template_kwargs=dict(chat_template_kwargs or {}),
        )
        rendered = []
        for event in self._ask(request):
            if isinstance(event, RenderedPrompt):
                rendered.append(event)
            elif isinstance(event, LoadProgress) and on_progress:
                on_progress(event)
        return rendered

    def status(self) -> ServiceStatus | None:
        """What the service holds; None if it is not running. Never starts it."""
        for event in self._ask(ControlRequest(request="status"), start=False):
            if isinstance(event, ServiceStatus):
                return event
        return None

    def free(self, who: str) -> None:
        """Have the service unload its model, as `who` needs the memory.

        A request under way has a moment to end, and is then broken off with a sentence.
        """
        for _ in self._ask(ControlRequest(request="free", who=who), start=False):
            pass

    def stop(self) -> None:
        """Ask the service to leave and free all that it holds; running requests are cut off."""
        opened = open_request_if_running(self._runs_dir, ControlRequest(request="quit"))
        if opened is not None:
            with opened as replies:
                while read_reply(replies) is not None:  # it hangs up when it has gone
                    pass

    def _ask(self, request: Request, *, start: bool = True) -> Iterator[Event]:
        """The events of one request up to `done`. Raises the error that the service reports."""
        opened = (
            open_request(self._runs_dir, request, self._idle_timeout)
            if start
            else open_request_if_running(self._runs_dir, request)
        )
        if opened is None:
            return
        with opened as replies:
            while (event := read_reply(replies)) is not None:
                if isinstance(event, Done):
                    return
                if isinstance(event, ServiceError):
                    raise event.as_error()
                yield event
        raise make_crash_error(self._runs_dir, "The generation service died while answering")


def _plain_lane(lane: Lane) -> Lane:
    return replace(
        lane,
        adapter=lane.adapter.resolve() if lane.adapter else None,
        messages=plain_messages(lane.messages) if lane.messages else None,
    )
