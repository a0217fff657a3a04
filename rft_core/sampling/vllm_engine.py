"""The engine for a GPU: vLLM with one resident base and LoRA adapters by request.

Needs requirements-gpu.txt. It is not exercised by the CPU test-suite: it follows vLLM 0.31's
documented API and has not been run there. vLLM schedules continuously and seeds each request, but
its random numbers are its own: results differ from the transformers engine's at the same seed.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rft_core.config import MOST_VLLM_RANK
from rft_core.errors import ModelUnavailableError
from rft_core.sampling.chat_template import describe_prompt, render_prompt
from rft_core.sampling.engine import Checkpoint, carry_on
from rft_core.sampling.loading.download import ProgressCallback
from rft_core.sampling.loading.models import ensure_model_folder
from rft_core.sampling.service.messages import (
    Lane,
    LaneDone,
    RenderedPrompt,
    SamplingParams,
    TextDelta,
    TokensRead,
)
from rft_core.sampling.settings import EngineSettings
from rft_core.types import Completion, Messages

MAX_LORAS = 4


def load_vllm_engine(name: str, settings: EngineSettings, progress: ProgressCallback) -> VllmEngine:
    """Start vLLM on the model; compiling and measuring memory takes tens of seconds."""
    if settings.bits is not None:
        raise ModelUnavailableError(
            "vLLM is not asked for weights of fewer bits here",
            f"The run has its base in {settings.bits} bits",
            "Use engine: transformers",
        )
    try:
        from vllm import LLM
    except ImportError as error:
        raise ModelUnavailableError(
            "The vLLM engine is not available",
            str(error),
            "Install requirements-gpu.txt on a machine with a GPU, or use engine: transformers",
        ) from error
    folder = ensure_model_folder(name, progress)
    progress(f"starting vLLM with {name}", None)
    llm = LLM(
        str(folder),
        dtype=settings.dtype,
        gpu_memory_utilization=settings.memory_share,
        max_model_len=settings.max_length,
        enable_lora=True,
        max_lora_rank=MOST_VLLM_RANK,
        max_loras=MAX_LORAS,
    )
    return VllmEngine(name, llm)


class VllmEngine:
    """See `engine.Engine` for what its methods promise."""

    def __init__(self, model_name: str, llm: Any) -> None:
        self.model_name = model_name
        self._llm = llm
        self._tokenizer = llm.get_tokenizer()
        self._loras: dict[tuple[str, int], Any] = {}
        self._requests = 0

    @property
    def adapters(self) -> tuple[str, ...]:
        return tuple(folder for folder, _ in self._loras)

    def render(self, messages: Messages, params: SamplingParams) -> RenderedPrompt:
        return describe_prompt(self._tokenizer, messages, params.chat_template_kwargs)

    def read_tokens(self, prompt: str, completion: str, adapter: Path | None = None) -> TokensRead:
        """Not by vLLM, which gives the likeliest few of a prompt's tokens and no entropy."""
        raise ModelUnavailableError(
            "vLLM does not say how likely a given token was",
            "",
            "Use engine: transformers",
        )

    def sample(
        self,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        adapter: Path | None = None,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[tuple[int, list[Completion]]]:
        places = {
            self._add(messages, i, params, adapter): (at, i)
            for at, messages in enumerate(prompts)
            for i in range(n)
        }
        groups: list[dict[int, Completion]] = [{} for _ in prompts]
        for request_id, output in self._run(list(places), checkpoint):
            if output.finish_reason is not None:
                at, i = places[request_id]
                groups[at][i] = _make_completion(output)
                if len(groups[at]) == n:
                    yield at, [groups[at][i] for i in range(n)]

    def stream(
        self,
        messages: Messages,
        lanes: Sequence[Lane],
        params: SamplingParams,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[TextDelta | LaneDone]:
        labels = {
            self._add(lane.messages or messages, lane.index, params, lane.adapter): lane.label
            for lane in lanes
        }
        shown = dict.fromkeys(labels, 0)
        started = time.perf_counter()
        for request_id, output in self._run(list(labels), checkpoint):
            label, num_tokens = labels[request_id], len(output.token_ids)
            speed = num_tokens / (time.perf_counter() - started)
            yield TextDelta(label, output.text[shown[request_id] :], num_tokens, speed)
            shown[request_id] = len(output.text)
            if output.finish_reason is not None:
                yield LaneDone(label, _make_completion(output), speed)

    def _add(
        self, messages: Messages, index: int, params: SamplingParams, adapter: Path | None
    ) -> str:
        from vllm import SamplingParams as VllmParams

        _, token_ids = render_prompt(self._tokenizer, messages, params.chat_template_kwargs)
        self._requests += 1
        request_id = str(self._requests)
        key = hashlib.sha256(repr((params.seed, index, token_ids)).encode()).digest()
        self._llm.llm_engine.add_request(
            request_id,
            {"prompt_token_ids": token_ids},
            VllmParams(
                temperature=params.temperature,
                top_p=params.top_p,
                top_k=params.top_k,
                min_p=params.min_p,
                repetition_penalty=params.repetition_penalty,
                max_tokens=params.max_completion_length,
                seed=int.from_bytes(key[:4], "big"),
                logprobs=0,  # of the sampled token only
                **params.vllm_extras,
            ),
            lora_request=self._ensure_lora(adapter),
        )
        return request_id

    def _run(self, request_ids: list[str], checkpoint: Checkpoint) -> Iterator[tuple[str, Any]]:
        """(request, its output so far) after every step; what is left is aborted on the way out."""
        try:
            while self._llm.llm_engine.has_unfinished_requests():
                checkpoint()
                for result in self._llm.llm_engine.step():
                    yield result.request_id, result.outputs[0]
        finally:
            self._llm.llm_engine.abort_request(request_ids)

    def _ensure_lora(self, adapter: Path | None) -> Any:
        if adapter is None:
            return None
        from vllm.lora.request import LoRARequest

        key = (str(adapter), (adapter / "adapter_model.safetensors").stat().st_mtime_ns)
        if key not in self._loras:
            number = len(self._loras) + 1
            self._loras[key] = LoRARequest(f"adapter-{number}", number, str(adapter))
        return self._loras[key]


def _make_completion(output: Any) -> Completion:
    return Completion(
        text=output.text,
        token_ids=tuple(output.token_ids),
        truncated=output.finish_reason == "length",
        logprob=float(output.cumulative_logprob or 0.0),
    )
