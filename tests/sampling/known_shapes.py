"""Models of every shape that the tight loop knows, with random weights and an adapter."""

from __future__ import annotations

from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
)

from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams

PROMPTS = (tuple(range(5, 14)), tuple(range(40, 81)), (7,))
PARAMS = SamplingParams(max_completion_length=24, seed=3)
ENDS = frozenset(range(0, 300, 10))
SIZES: dict[str, Any] = {
    "vocab_size": 300, "hidden_size": 48, "intermediate_size": 80, "num_hidden_layers": 2,
    "num_attention_heads": 6, "num_key_value_heads": 2, "max_position_embeddings": 512,
    "initializer_range": 0.3,
}  # fmt: skip
YARN = {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0}
SHAPES = {
    "llama": LlamaConfig(**SIZES),
    "biases": LlamaConfig(**SIZES, attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "yarn": LlamaConfig(**SIZES, rope_parameters={**YARN, "original_max_position_embeddings": 128}),
    "qwen2": Qwen2Config(**SIZES),
    "qwen3": Qwen3Config(**SIZES, head_dim=16),
}


def make_model(config: PreTrainedConfig, dtype: torch.dtype = torch.float32) -> Any:
    """Random weights, none of them zero or one."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "bias" in name or "norm" in name:
                weight.add_(torch.randn_like(weight) * 0.3)
    return model.eval()


def adapt(model: Any, **options: Any) -> Any:
    targets = ["q_proj", "v_proj", "up_proj", "down_proj"]
    config = LoraConfig(r=4, lora_alpha=8, target_modules=targets, **options)
    return train(get_peft_model(model, config, adapter_name="tuned").eval(), 0)


def train(model: Any, seed: int) -> Any:
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.2)
    return model


def make_rows(adapter: str | None = "tuned", group: int = 3) -> list[SampledRow]:
    return [SampledRow(prompt, index, adapter) for prompt in PROMPTS for index in range(group)]


def sample(sampler: Sampler, rows: list[SampledRow]) -> list[tuple[int, ...]]:
    return [sampled.ids for sampled in sampler.sample(rows, PARAMS)]
