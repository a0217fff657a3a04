"""The model that the service keeps: loaded at first use, replaced when another one is asked for.

Heavy libraries are imported here when a request needs them, so that the service answers at once
after its start. Knows requests and events as dictionaries, but no sockets.
"""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rft_core.sampling.engine import Checkpoint, Engine
from rft_core.sampling.service.messages import (
    Dtype,
    LaneDone,
    Progress,
    RenderedPrompt,
    SamplingParams,
    event,
    make_lanes,
)

Report = Callable[[str, float | None], None]
SECONDS_BETWEEN_REPORTS = 0.25


class ResidentModel:
    """One base model and one tokenizer. `sample` and `stream` want one caller at a time."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._key: tuple[str, str, Dtype] | None = None  # engine, model, precision
        self._tokenizer: Any = None
        self._tokenizer_name: str | None = None
        self._tokenizing = threading.Lock()

    @property
    def model_name(self) -> str | None:
        return self._engine.model_name if self._engine else None

    @property
    def adapters(self) -> tuple[str, ...]:
        return self._engine.adapters if self._engine else ()

    def render(self, request: dict[str, Any], report: Report) -> Iterator[RenderedPrompt]:
        """Needs the tokenizer only: no weights are loaded, and nobody waits for a busy model."""
        from rft_core.sampling.chat_template import describe_prompt
        from rft_core.sampling.models import load_tokenizer

        with self._tokenizing:
            if self._tokenizer_name != request["model"]:
                self._tokenizer = load_tokenizer(request["model"], report)
                self._tokenizer_name = request["model"]
            yield from (describe_prompt(self._tokenizer, prompt) for prompt in request["prompts"])

    def sample(
        self, request: dict[str, Any], report: Report, checkpoint: Checkpoint
    ) -> Iterator[dict[str, Any]]:
        """`group` events, with progress in between."""
        engine = self._ensure_engine(request, report)
        prompts, n = request["prompts"], int(request["n"])
        params, total = SamplingParams(**request["params"]), len(prompts) * n
        done, tokens, last_report = 0, 0, time.monotonic()

        def watch() -> None:
            nonlocal tokens, last_report
            checkpoint()
            tokens += 1
            if time.monotonic() - last_report > SECONDS_BETWEEN_REPORTS:
                last_report = time.monotonic()
                report(f"sampled {done} of {total}, decoding step {tokens}", done / total)

        adapter = Path(request["adapter"]) if request["adapter"] else None
        report(f"sampling {total} completions", 0.0)
        for index, completions in engine.sample(prompts, n, params, adapter, watch):
            done, tokens = done + n, 0
            values = [asdict(completion) for completion in completions]
            yield {"event": "group", "index": index, "completions": values}
            yield event("progress", Progress(f"sampled {done} of {total}", done / total))

    def stream(
        self, request: dict[str, Any], report: Report, checkpoint: Checkpoint
    ) -> Iterator[dict[str, Any]]:
        """`delta` and `lane_done` events of all lanes, interleaved."""
        engine = self._ensure_engine(request, report)
        params, lanes = SamplingParams(**request["params"]), make_lanes(request["lanes"])
        for item in engine.stream(request["messages"], lanes, params, checkpoint):
            yield event("lane_done" if isinstance(item, LaneDone) else "delta", item)

    def _ensure_engine(self, request: dict[str, Any], report: Report) -> Engine:
        key = (request["engine"], request["model"], request["dtype"])
        if self._engine is None or self._key != key:
            self._engine = self._key = None  # free the old one before the new one needs the memory
            gc.collect()
            report("loading libraries", None)
            self._engine = _load_engine(*key, report)
            self._key = key
        if request["engine"] == "transformers":
            import torch

            torch.set_num_threads(int(request["threads"]))
        return self._engine


def _load_engine(engine: str, model: str, dtype: Dtype, report: Report) -> Engine:
    if engine == "vllm":
        from rft_core.sampling.vllm_engine import load_vllm_engine

        return load_vllm_engine(model, dtype, report)
    import torch

    from rft_core.sampling.models import load_base
    from rft_core.sampling.transformers_engine import TransformersEngine

    base, tokenizer = load_base(model, dtype, report)
    if torch.cuda.is_available():
        torch.nn.Module.to(base, "cuda")
    return TransformersEngine(model, base, tokenizer)
