"""Presets: settings that go together, by name. The demos bring a task; the others keep yours."""

from __future__ import annotations

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    "Countdown demo": {
        "name": "Countdown demo",
        "max_completion_length": 208,
        "temperature": 0.8,
        "max_steps": 330,
    },
    "Triton demo": {
        "name": "Triton demo",
        "model": "embedded/triton",
        "task": "triton_kernels-easy",
        "num_validation_prompts": 48,
        "max_completion_length": 104,
        "learning_rate": 1.3e-3,
        "max_steps": 60,
        "eval_steps": 20,
    },
    "Word problems demo": {
        "name": "Word problems demo",
        "model": "embedded/word_problems",
        "task": "word_problems",
        "max_completion_length": 112,
        "max_steps": 120,
    },
    "SmolLM2 demo": {
        "name": "SmolLM2 demo",
        "model": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "dtype": "bfloat16",
        "task": "instructions-easy",
        "num_prompts": 500,
        "num_validation_prompts": 32,
        "max_completion_length": 48,
        "temperature": 0.8,
        "learning_rate": 1e-3,
        "lr_scheduler_type": "linear",
        "beta": 0.0,
        "per_device_train_batch_size": 32,
        "max_steps": 40,
        "eval_steps": 10,
        "save_steps": 10,
    },
    "small GPU": {
        "model": "Qwen/Qwen2.5-0.5B-Instruct",
        "dtype": "bfloat16",
        "max_completion_length": 512,
        "learning_rate": 1e-5,
        "per_device_train_batch_size": 8,
        "gradient_accumulation_steps": 8,
        "gradient_checkpointing": True,
        "per_device_eval_batch_size": 8,
    },
    "one big GPU": {
        "model": "Qwen/Qwen2.5-7B-Instruct",
        "engine": "vllm",
        "dtype": "bfloat16",
        "max_completion_length": 1024,
        "num_generations": 16,
        "learning_rate": 5e-6,
        "per_device_train_batch_size": 16,
        "gradient_accumulation_steps": 8,
        "gradient_checkpointing": True,
        "per_device_eval_batch_size": 16,
    },
}
