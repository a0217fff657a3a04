"""The facts that settings are checked against. `jobs.checks` gathers them."""

from __future__ import annotations

from dataclasses import dataclass

from rft_core.hardware import Hardware
from rft_core.model_files import ModelSummary

ALL_LINEAR = "all-linear"
EMBEDDING_MODULES = ("embed_tokens", "lm_head", "wte", "wpe")  # LoRA may be put on them as well
LOGITS_AT_ONCE = 2**24  # numbers: an update computes them in pieces, and keeps none of them


@dataclass(frozen=True)
class LaunchFacts:
    """What the settings are checked against. None: not known before the run starts."""

    hardware: Hardware
    free_disk: int
    needed_disk: int
    is_vllm_installed: bool
    model: ModelSummary | None = None
    bitsandbytes_obstacle: str = ""  # why it cannot run here
    chat_template: str | None = None  # the model's own; empty: it has none
    num_train_prompts: int | None = None
    longest_prompt: int | None = None  # in tokens, chat template included
    missing_reporters: tuple[str, ...] = ()  # of report_to, those whose package is not installed
