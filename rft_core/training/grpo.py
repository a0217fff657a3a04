"""GRPO + LoRA through TRL's GRPOTrainer, from one RunConfig.

The algorithm (group advantages, clipped ratio, KL to the reference; DeepSeekMath, arXiv
2402.03300) is TRL's. `RunTrainer` changes only what a run that is recorded, validated and resumed
exactly needs; each override says why. The reference model is the policy with its adapter off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, PrinterCallback
from trl.trainer.grpo_config import GRPOConfig

from rft_core.config import RunConfig
from rft_core.store.run_writer import PromptRecord
from rft_core.training.adapter_files import ADAPTER_NAME, load_adapter_weights
from rft_core.training.recorder import Recorder
from rft_core.training.run_trainer import RunFlow, RunTrainer
from rft_core.training.stop import StopRequest

# RunConfig's fields that are GRPOConfig's, name for name.
SHARED_FIELDS = (
    "num_generations", "num_generations_eval", "max_completion_length", "temperature", "top_p",
    "top_k", "vllm_mode", "learning_rate", "beta", "epsilon", "epsilon_high", "num_iterations",
    "loss_type", "scale_rewards", "max_grad_norm", "weight_decay", "lr_scheduler_type",
    "warmup_steps", "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps",
    "gradient_checkpointing", "per_device_eval_batch_size", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class TrainingPrompts:
    """What is trained on and what is only validated on. `position` is the index in each list."""

    train: Sequence[PromptRecord]
    validation: Sequence[PromptRecord]


def make_trainer(
    config: RunConfig,
    model: PreTrainedModel,
    tokenizer: Any,
    *,
    prompts: TrainingPrompts,
    recorder: Recorder,
    stop: StopRequest,
    checkpoints_dir: Path,
    initial_adapter: Path | None = None,
) -> RunTrainer:
    """A trainer ready for `train()`. `initial_adapter`: start from another run's policy."""
    trainer = RunTrainer(
        model=model,
        reward_funcs=recorder.reward_functions,
        args=make_grpo_config(config, model, checkpoints_dir, recorder.reward_weights),
        train_dataset=_make_dataset(prompts.train, tokenizer),
        processing_class=tokenizer,
        callbacks=[RunFlow(config, recorder, stop, has_validation=bool(prompts.validation))],
        # A fresh adapter, also for a fork: given a PeftModel, TRL would keep a copy of its adapter
        # and measure KL to the parent instead of to the base.
        peft_config=make_lora_config(config),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.attach(config, recorder, _make_dataset(prompts.validation, tokenizer))
    trainer.model.peft_config[ADAPTER_NAME].base_model_name_or_path = config.model
    if initial_adapter:
        load_adapter_weights(trainer.model, initial_adapter, config)
    return trainer


def make_grpo_config(
    config: RunConfig, model: PreTrainedModel, output_dir: Path, reward_weights: Sequence[float]
) -> GRPOConfig:
    """RunConfig -> GRPOConfig. When to validate, save and stop is decided by `RunFlow`."""
    on_cpu = not torch.cuda.is_available()
    return GRPOConfig(
        output_dir=str(output_dir),
        **{name: getattr(config, name) for name in SHARED_FIELDS},
        use_vllm=config.engine == "vllm",
        reward_weights=list(reward_weights),
        bf16=model.dtype == torch.bfloat16,
        use_cpu=on_cpu,
        dataloader_pin_memory=not on_cpu,
        logging_steps=1,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def make_lora_config(config: RunConfig) -> LoraConfig:
    modules = list(config.target_modules)
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules="all-linear" if modules == ["all-linear"] else modules,
        task_type="CAUSAL_LM",
    )


def _make_dataset(prompts: Sequence[PromptRecord], tokenizer: Any) -> Dataset:
    """TRL's columns. The rows stay outside: the recorder finds them by position, unconverted."""
    conversational = bool(tokenizer.chat_template)
    return Dataset.from_dict(
        {
            "prompt": [list(p.messages) if conversational else p.text for p in prompts],
            "position": [p.position for p in prompts],
        }
    )
