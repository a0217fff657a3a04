"""How pages and the command line sample: a client of the resident generation service. Torch-free.

The service is started on demand, as a process of its own session that outlives its clients. Every
call opens one connection; closing it (leaving a loop over `stream`, an exception in `on_progress`,
a killed page) cancels the request within one token.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.hardware import get_hardware
from rft_core.sampling.service.connection import (
    make_crash_error,
    open_request,
    open_request_if_running,
    read_reply,
)
from rft_core.sampling.service.messages import (
    Dtype,
    EngineName,
    Lane,
    Progress,
    RenderedPrompt,
    SamplingParams,
    ServiceStatus,
    StreamEvent,
    make_completion,
    make_error,
    make_stream_event,
    plain_messages,
)
from rft_core.types import Completion, Messages

ProgressCallback = Callable[[Progress], None]
DEFAULT_IDLE_TIMEOUT = 900.0


def choose_engine(config: RunConfig) -> EngineName:
    """The run's own engine where it can work: without a GPU, transformers stands in for vLLM."""
    return "vllm" if config.engine == "vllm" and get_hardware().gpus else "transformers"


class GenerationClient:
    """Samples through the service of one runs folder. Cheap to make, safe in any thread."""

    def __init__(
        self,
        runs_dir: Path,
        *,
        engine: EngineName = "transformers",
        dtype: Dtype = "float32",
        threads: int | None = None,
        idle_timeout: float = DEFAULT_IDLE_TIMEOUT,
    ) -> None:
        """`dtype`: of the base weights, as in training; another one loads the model again.

        `threads`: torch threads (default: RFT_GENERATION_THREADS or 1); more only when idle.

        `idle_timeout` (seconds) applies to a service that this client happens to start.
        """
        self._runs_dir = runs_dir.resolve()
        self._engine = engine
        self._dtype = dtype
        self._threads = threads or int(os.environ.get("RFT_GENERATION_THREADS") or 1)
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
            if isinstance(item, Progress):
                if on_progress:
                    on_progress(item)
            else:
                index, completions = item
                groups[index] = completions
        return groups

    def sample_groups(
        self,
        model: str,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        adapter: Path | None = None,
    ) -> Iterator[Progress | tuple[int, list[Completion]]]:
        """(index of the prompt, its completions) as soon as a group is complete, and progress."""
        request = {
            **self._about(model, params),
            "request": "sample",
            "prompts": [plain_messages(messages) for messages in prompts],
            "n": n,
            "adapter": str(adapter.resolve()) if adapter else None,
        }
        for message in self._ask(request) if prompts else ():
            if message["event"] == "group":
                completions = [make_completion(value) for value in message["completions"]]
                yield message["index"], completions
            else:
                yield Progress(message["message"], message["fraction"])

    def stream(
        self, model: str, messages: Messages, lanes: Sequence[Lane], params: SamplingParams
    ) -> Iterator[StreamEvent]:
        """All lanes answer one conversation at once, token by token, with the same random numbers.

        Each lane gives exactly what `sample` gives with n=1. Closing the iterator cancels.
        """
        request = {
            **self._about(model, params),
            "request": "stream",
            "messages": plain_messages(messages),
            "lanes": [
                {
                    "label": lane.label,
                    "adapter": str(lane.adapter.resolve()) if lane.adapter else None,
                }
                for lane in lanes
            ],
        }
        yield from map(make_stream_event, self._ask(request))

    def render(
        self,
        model: str,
        messages_list: Sequence[Messages],
        on_progress: ProgressCallback | None = None,
    ) -> list[RenderedPrompt]:
        """The exact string and tokens of each conversation, from the tokenizer alone."""
        prompts = [plain_messages(messages) for messages in messages_list]
        rendered = []
        for message in self._ask({"request": "render", "model": model, "prompts": prompts}):
            if message["event"] == "rendered":
                token_ids, pieces = tuple(message["token_ids"]), tuple(message["pieces"])
                rendered.append(RenderedPrompt(message["text"], token_ids, pieces))
            elif on_progress:
                on_progress(Progress(message["message"], message["fraction"]))
        return rendered

    def status(self) -> ServiceStatus | None:
        """What the service holds; None if it is not running. Never starts it."""
        for message in self._ask({"request": "status"}, start=False):
            values = {key: value for key, value in message.items() if key != "event"}
            return ServiceStatus(**{**values, "adapters": tuple(values["adapters"])})
        return None

    def stop(self) -> None:
        """Ask the service to leave and free its memory; running requests are cut off."""
        opened = open_request_if_running(self._runs_dir, {"request": "quit"})
        if opened is not None:
            with opened as replies:
                while read_reply(replies) is not None:  # it hangs up when it has gone
                    pass

    def _about(self, model: str, params: SamplingParams) -> dict[str, Any]:
        return {
            "model": model,
            "engine": self._engine,
            "dtype": self._dtype,
            "threads": self._threads,
            "params": asdict(params),
        }

    def _ask(self, request: dict[str, Any], *, start: bool = True) -> Iterator[dict[str, Any]]:
        """The events of one request up to `done`. Raises the error that the service reports."""
        opened = (
            open_request(self._runs_dir, request, self._idle_timeout)
            if start
            else open_request_if_running(self._runs_dir, request)
        )
        if opened is None:
            return
        with opened as replies:
            while (message := read_reply(replies)) is not None:
                match message["event"]:
                    case "done":
                        return
                    case "error":
                        raise make_error(message)
                    case _:
                        yield message
        raise make_crash_error(self._runs_dir, "The generation service died while answering")
