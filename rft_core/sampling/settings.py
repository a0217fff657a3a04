"""How an engine runs, as one value; and whether it can run here, which is asked of the engine."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from typing import Literal

from rft_core.config import RunConfig
from rft_core.errors import ModelUnavailableError
from rft_core.hardware import get_hardware
from rft_core.model_files import model_summary
from rft_core.planning.threads import choose_threads

EngineName = Literal["transformers", "vllm"]
Dtype = Literal["float32", "bfloat16", "auto"]
Bits = Literal[4, 8]
MOST_COPIED = 512 * 2**20  # bytes of weights that the tight loop lays out anew for one adapter
SETS_KEPT = 2  # of such weights, by a resident model: a chat's two lanes


def _fixed_threads() -> int | None:
    """RFT_GENERATION_THREADS; None where it is not set."""
    return int(os.environ.get("RFT_GENERATION_THREADS") or 0) or None


@dataclass(frozen=True)
class EngineSettings:
    """What must be equal for a loaded model to serve the next request; `threads` may differ.

    `dtype`: of the base weights, as in training. `threads`: torch's. `memory_share`: of the GPU's
    memory, for vLLM. `max_length`: prompt and completion together, in tokens; None: the model's.
    `bits`: of quantised base weights; None: as `dtype` says.
    """

    engine: EngineName = "transformers"
    dtype: Dtype = "float32"
    threads: int = 1
    memory_share: float = 0.3
    max_length: int | None = None
    bits: Bits | None = None


def default_settings() -> EngineSettings:
    """For whoever has no run at hand. Its threads: RFT_GENERATION_THREADS or 1."""
    return EngineSettings(threads=_fixed_threads() or 1)


def run_settings(config: RunConfig) -> EngineSettings:
    """The run's own, for chat, evaluation and dry runs. Transformers stands in for what cannot run.

    Threads: RFT_GENERATION_THREADS, else as a launch chooses them, by the model's size and by what
    else computes now, which takes a quarter of a second to see; vLLM chooses its own. A model that
    cannot be read is for whoever loads it to report.
    """
    engine, threads = choose_engine(config), _fixed_threads()
    if threads is None and engine == "transformers":
        with suppress(ModelUnavailableError):
            threads = choose_threads(model_summary(config.model))
    return EngineSettings(
        engine,
        config.dtype,
        threads or 1,
        config.vllm_gpu_memory_utilization,
        config.vllm_max_model_length,
        config.weight_bits,
    )


def choose_engine(config: RunConfig) -> EngineName:
    return "transformers" if find_obstacle(config.engine) else config.engine


def find_obstacle(engine: EngineName) -> str:
    """Why this engine cannot run here; empty where it can. Loads neither engine."""
    if engine == "transformers":
        return ""
    try:
        version = metadata.version("vllm")
    except metadata.PackageNotFoundError:
        return "vLLM is not installed here"
    is_for_cpu = "cpu" in version.partition("+")[2]  # as vLLM's own wheels name themselves
    return "" if is_for_cpu or get_hardware().gpus else "vLLM is installed for GPUs; there is none"


def count_copied_bytes(engine: EngineName, weight_bytes: int) -> int:
    """What a resident model may keep of its weights a second time (`decoding/fusing.py`)."""
    return SETS_KEPT * min(MOST_COPIED, weight_bytes) if engine == "transformers" else 0
