"""Base weights in 4 or 8 bits, by bitsandbytes: what transformers is told to load them so.

4 bits are NF4 with its constants quantised once more, as in QLoRA (Dettmers et al., arXiv
2305.14314); products are computed in the run's `dtype`. Needs bitsandbytes and a GPU. It is not
exercised by the CPU test-suite, which sees it refused: it follows the libraries' documented
arguments and has not been run here. The tight loop leaves such a model to the ordinary one, and an
export merges into the weights as they were before they were quantised.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import BitsAndBytesConfig

from rft_core.errors import ModelUnavailableError
from rft_core.hardware import get_hardware
from rft_core.planning.quantisation import find_obstacle
from rft_core.sampling.settings import Bits, Dtype


def quantise_arguments(name: str, dtype: Dtype, bits: Bits) -> dict[str, Any]:
    """For `from_pretrained`. Raises ModelUnavailableError where it cannot run."""
    if obstacle := find_obstacle(has_gpu=bool(get_hardware().gpus)):
        raise ModelUnavailableError(
            f"The model '{name}' cannot be loaded in {bits} bits",
            obstacle,
            f"Use load_in_{bits}bit=false, or a machine that can",
        )
    computing = torch.bfloat16 if dtype == "auto" else getattr(torch, dtype)
    config = BitsAndBytesConfig(  # type: ignore[no-untyped-call]
        load_in_4bit=bits == 4,
        load_in_8bit=bits == 8,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=computing,
    )
    return {"quantization_config": config, "device_map": {"": torch.cuda.current_device()}}
