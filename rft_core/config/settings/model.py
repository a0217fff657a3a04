"""The model, the method, and what samples."""

from typing import Literal

from rft_core.config.fields import MethodName, OrNone, declare
from rft_core.config.settings.frozen import Frozen


class ModelSettings(Frozen):
    model: str = declare(
        "Model", "embedded/countdown", "Hub id, local folder, or an embedded model.",
        max_length=500,
    )  # fmt: skip
    method: MethodName = declare("Model", "grpo", "Training method.")
    engine: Literal["transformers", "vllm"] = declare(
        "Model", "transformers", "What samples completions during training.", methods=("rollouts",)
    )
    vllm_mode: Literal["colocate", "server"] = declare(
        "Model", "colocate", "vLLM inside the trainer or as a server beside it.",
        methods=("rollouts",), trl=True, advanced=True,
    )  # fmt: skip
    vllm_gpu_memory_utilization: float = declare(
        "Model", 0.3, "Share of the GPU's memory that vLLM takes.",
        methods=("rollouts",), trl=True, advanced=True, ge=0.01, le=0.99,
    )  # fmt: skip
    vllm_max_model_length: OrNone[int] = declare(
        "Model", None, "Most tokens of a prompt with its completion, in vLLM; empty: the model's.",
        methods=("rollouts",), trl=True, advanced=True, ge=1, le=10_000_000,
    )  # fmt: skip
    dtype: Literal["float32", "bfloat16", "auto"] = declare(
        "Model", "float32", "Precision of the base weights."
    )
    load_in_4bit: bool = declare(
        "Model", False, "Base weights in 4 bits (NF4, bitsandbytes; needs a GPU).", advanced=True
    )
    load_in_8bit: bool = declare(
        "Model", False, "Base weights in 8 bits (bitsandbytes; needs a GPU).", advanced=True
    )
    num_threads: OrNone[int] = declare(
        "Model", None,
        "CPU threads to compute with; empty: chosen at launch by the model's size and the load.",
        advanced=True, ge=1, le=1024,
    )  # fmt: skip

    @property
    def weight_bits(self) -> Literal[4, 8] | None:
        """Of a quantised base; None: as `dtype` says."""
        return 4 if self.load_in_4bit else 8 if self.load_in_8bit else None
