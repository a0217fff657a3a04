"""The model that the service keeps: loaded at first use, replaced when another one is asked for.

Heavy libraries are imported here when a request needs them, so that the service answers at once
after its start. Knows requests and events, but no sockets.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from rft_core.model_files import get_weight_bytes
from rft_core.sampling.engine import Checkpoint, Engine
from rft_core.sampling.service.lease import require_room
from rft_core.sampling.service.messages import (
    SAMPLING,
    LaneDone,
    LoadProgress,
    RenderedPrompt,
    RenderRequest,
    SampledGroup,
    SampleRequest,
    StreamRequest,
    TextDelta,
    TokensRead,
    TokensRequest,
)
from rft_core.sampling.settings import EngineSettings, count_copied_bytes

Report = Callable[[str, float | None], None]
SECONDS_BETWEEN_REPORTS = 0.25


class ResidentModel:
    """One base model and one tokenizer. `sample` and `stream` want one caller at a time."""

    def __init__(self, runs_dir: Path) -> None:
        self._runs_dir = runs_dir
        self._engine: Engine | None = None
        self._key: tuple[str, EngineSettings] | None = None
        self._tokenizer: Any = None
        self._tokenizer_name: str | None = None
        self._tokenizing = threading.Lock()

    @property
    def model_name(self) -> str | None:
        return self._engine.model_name if self._engine else None

    @property
    def adapters(self) -> tuple[str, ...]:
        return self._engine.adapters if self._engine else ()

    def render(self, request: RenderRequest, report: Report) -> Iterator[RenderedPrompt]:
        """Needs the tokenizer only: no weights are loaded, and nobody waits for a busy model."""
        from rft_core.sampling.chat_template import describe_prompt
        from rft_core.sampling.loading.models import load_tokenizer

        with self._tokenizing:
            if self._tokenizer_name != request.model:
                self._tokenizer = load_tokenizer(request.model, report)
                self._tokenizer_name = request.model
            told = request.chat_template_kwargs
            for prompt in request.prompts:
                yield describe_prompt(self._tokenizer, prompt, told)

    def sample(
        self, request: SampleRequest, report: Report, checkpoint: Checkpoint
    ) -> Iterator[SampledGroup | LoadProgress]:
        """Groups, with progress in between."""
        engine = self._ensure_engine(request, report)
        total = len(request.prompts) * request.n
        done, tokens, last_report = 0, 0, time.monotonic()

        def watch() -> None:
            nonlocal tokens, last_report
            checkpoint()
            tokens += 1
            if time.monotonic() - last_report > SECONDS_BETWEEN_REPORTS:
                last_report = time.monotonic()
                report(f"sampled {done} of {total}, decoding step {tokens}", done / total)

        report(f"{SAMPLING} {total} completions", 0.0)
        for index, completions in engine.sample(
            request.prompts, request.n, request.params, request.adapter, watch
        ):
            done, tokens = done + request.n, 0
            yield SampledGroup(index, tuple(completions))
            yield LoadProgress(f"sampled {done} of {total}", done / total)

    def stream(
        self, request: StreamRequest, report: Report, checkpoint: Checkpoint
    ) -> Iterator[TextDelta | LaneDone]:
        """The events of all lanes, interleaved."""
        engine = self._ensure_engine(request, report)
        steps = engine.stream(request.messages, request.lanes, request.params, checkpoint)
        with closing(steps):  # type: ignore[type-var]  # a generator; it may hold a merged adapter
            yield from steps

    def read_tokens(self, request: TokensRequest, report: Report) -> Iterator[TokensRead]:
        """One event: a completion is read at once."""
        engine = self._ensure_engine(request, report)
        report("reading the completion", None)
        yield engine.read_tokens(request.prompt, request.completion, request.adapter)

    def unload(self) -> None:
        """Give the memory back; the next request loads again."""
        self._engine = self._key = None
        gc.collect()

    def _ensure_engine(
        self, request: SampleRequest | StreamRequest | TokensRequest, report: Report
    ) -> Engine:
        settings = request.settings
        key = (request.model, replace(settings, threads=0))
        if self._engine is None or self._key != key:
            self.unload()  # free the old one before the new one needs the memory
            weights = get_weight_bytes(request.model)
            copies = count_copied_bytes(settings.engine, weights)
            require_room(self._runs_dir, request.model, weights + copies)
            report("loading libraries", None)
            self._engine = _load_engine(request.model, settings, report)
            self._key = key
        if settings.engine == "transformers":
            import torch

            torch.set_num_threads(settings.threads)
        return self._engine


def _load_engine(model: str, settings: EngineSettings, report: Report) -> Engine:
    if settings.engine == "vllm":
        from rft_core.sampling.vllm_engine import load_vllm_engine

        return load_vllm_engine(model, settings, report)
    import torch

    from rft_core.sampling.loading.models import load_base
    from rft_core.sampling.transformers_engine import TransformersEngine

    base, tokenizer = load_base(model, settings.dtype, report, bits=settings.bits)
    if torch.cuda.is_available() and settings.bits is None:  # quantised, it is there already
        torch.nn.Module.to(base, "cuda")
    return TransformersEngine(model, base, tokenizer)
