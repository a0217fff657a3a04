"""What settings are called elsewhere, and which of ours is meant by a name that is nearly right."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz import fuzz, process

NEARLY = 75.0  # of 100: how alike a name must be to be meant
OTHER_NAMES = {  # -> ours, or what to do instead
    "lr": "learning_rate",
    "actor_learning_rate": "learning_rate",
    "critic_learning_rate": "value_learning_rate",
    "use_vllm": "engine=vllm",
    "kl_coef": "beta",
    "init_kl_coef": "beta",
    "kl_coeff": "beta",
    "warmup_ratio": "warmup_steps, in steps",
    "num_epochs": "num_train_epochs",
    "epochs": "num_train_epochs",
    "steps": "max_steps",
    "total_steps": "max_steps",
    "batch_size": "per_device_train_batch_size",
    "train_batch_size": "per_device_train_batch_size",
    "max_new_tokens": "max_completion_length",
    "max_tokens": "max_completion_length",
    "max_length": "max_completion_length",
    "group_size": "num_generations",
    "rollout_n": "num_generations",
    "n": "num_generations",
    "clip_range": "epsilon",
    "cliprange": "epsilon",
    "clip_ratio": "epsilon",
    "clip_ratio_high": "epsilon_high",
    "gae_lambda": "lam",
    "value_coef": "vf_coef",
    "entropy_coeff": "entropy_coef",
    "lora_rank": "lora_r",
    "r": "lora_r",
    "alpha": "lora_alpha",
    "bf16": "dtype=bfloat16",
    "torch_dtype": "dtype",
    "model_name": "model",
    "model_name_or_path": "model",
    "dataset": "prompt_set",
    "stop": "stop_strings",
    "save_strategy": "save_steps",
    "eval_strategy": "eval_steps",
    "optimizer": "optim",
    "scheduler": "lr_scheduler_type",
    "importance_sampling": "importance_sampling_level",
    "gradient_clip": "max_grad_norm",
    "clip_grad_norm": "max_grad_norm",
    "ppo_epochs": "num_iterations",
    "num_ppo_epochs": "num_iterations",
    "n_rollouts": "num_generations",
    "num_rollouts": "num_generations",
    "beta1": "adam_beta1",
    "beta2": "adam_beta2",
    "weight_decay_rate": "weight_decay",
    "reward_funcs": "reward_set, or --rewards FILE",
    "reward_weights": "reward_set: each reward has its weight there",
    "dataset_name": "prompt_set, or --prompts FILE",
    "train_files": "prompt_set, or --prompts FILE",
    "patience": "early_stopping_patience",
    "early_stopping": "early_stopping_patience",
    "best_metric": "metric_for_best_model",
    "save_best": "load_best_model_at_end",
}


def find_meant(name: str, settings: Iterable[str]) -> str:
    """The setting that is meant, or what to use instead; empty where nothing is near.

    verl names settings by their path: `actor_rollout_ref.rollout.n` is `n`.
    """
    plain = name.lower().replace("-", "_").rpartition(".")[2]
    if plain in OTHER_NAMES:
        return OTHER_NAMES[plain]
    found = process.extractOne(plain, list(settings), scorer=fuzz.ratio, score_cutoff=NEARLY)
    return found[0] if found else ""
