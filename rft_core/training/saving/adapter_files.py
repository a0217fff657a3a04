"""Writing the policy's LoRA adapter to a folder, and starting from one.

The folder is PEFT's format, with the base model's name as the run's config spells it, so that
`embedded/countdown` stays `embedded/countdown` on another machine.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import (
    LoraConfig,
    PeftModel,
    get_peft_model_state_dict,
    load_peft_weights,
    set_peft_model_state_dict,
)
from peft.tuners.tuners_utils import BaseTunerLayer

from rft_core.config import RunConfig
from rft_core.errors import BadInputError, NotFoundError
from rft_core.training.saving.finite import are_finite

ADAPTER_NAME = "default"
REFERENCE_NAME = "ref"  # TRL looks for an adapter of this name
CONFIG_FILE = "adapter_config.json"
SHAPE = ("lora_r", "lora_alpha", "use_rslora", "use_dora", "modules_to_save")


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write adapter_config.json and adapter_model.safetensors. Refuses weights that are lost."""
    if not are_finite(parameter for parameter in model.parameters() if parameter.requires_grad):
        raise BadInputError(
            "The adapter holds weights that are not finite",
            "Its training diverged",
            "Use an earlier checkpoint",
        )
    # "auto" would ask the hub whether the embeddings were resized; they never are here. A frozen
    # reference beside the policy is no part of it.
    model.save_pretrained(
        str(folder), save_embedding_layers=False, selected_adapters=[ADAPTER_NAME]
    )
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's template, with nothing filled in


def make_lora_config(config: RunConfig) -> LoraConfig:
    modules = list(config.target_modules)
    return LoraConfig(
        r=config.lora_r,
        lora_alpha=config.lora_alpha,
        lora_dropout=config.lora_dropout,
        target_modules="all-linear" if modules == ["all-linear"] else modules,
        use_rslora=config.use_rslora,
        use_dora=config.use_dora,
        modules_to_save=list(config.modules_to_save) or None,
        task_type="CAUSAL_LM",
    )


def add_reference(model: PeftModel, folder: Path) -> None:
    """A frozen second adapter: TRL's trainers measure KL to one of its name where there is one."""
    model.add_adapter(REFERENCE_NAME, model.peft_config[ADAPTER_NAME])
    weights = load_peft_weights(str(folder), device="cpu")
    set_peft_model_state_dict(model, weights, adapter_name=REFERENCE_NAME)
    for name, parameter in model.named_parameters():
        if f".{REFERENCE_NAME}." in name:
            parameter.requires_grad_(False)
    model.set_adapter(ADAPTER_NAME)


def copy_adapter(model: PeftModel) -> dict[str, torch.Tensor]:
    """The policy's adapter as it is now, for `restore_adapter`."""
    weights = get_peft_model_state_dict(
        model, adapter_name=ADAPTER_NAME, save_embedding_layers=False
    )
    return {name: weight.detach().clone() for name, weight in weights.items()}


def restore_adapter(model: PeftModel, weights: dict[str, torch.Tensor]) -> None:
    set_peft_model_state_dict(model, weights, adapter_name=ADAPTER_NAME)


def is_reference(model: Any) -> bool:
    """Whether it answers as the reference now: with its adapter off, or the frozen one in place."""
    layers = (module for module in model.modules() if isinstance(module, BaseTunerLayer))
    first = next(layers)
    return first.disable_adapters or REFERENCE_NAME in first.active_adapters


def load_adapter_weights(model: PeftModel, folder: Path, config: RunConfig) -> None:
    """Make another run's adapter the initial policy. The reference is not touched."""
    try:
        saved = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(
            f"There is no adapter in {folder}",
            "The run it belongs to was deleted, or has no checkpoint at that step",
            "Fork from a checkpoint that is still listed",
        ) from error
    _check_same_shape(saved, config)
    result: Any = set_peft_model_state_dict(model, load_peft_weights(str(folder), device="cpu"))
    missing = [name for name in result.missing_keys if f".{ADAPTER_NAME}." in name]
    if missing or result.unexpected_keys:
        raise BadInputError(
            f"The adapter in {folder} does not fit the model",
            f"{len(missing)} layers are missing in it and {len(result.unexpected_keys)} unknown",
            "A fork keeps its parent's model and target_modules",
        )


def _check_same_shape(saved: dict[str, object], config: RunConfig) -> None:
    names = {"lora_r": "r"} | {name: name for name in SHAPE[1:]}
    for ours, theirs in names.items():
        wanted, held = getattr(config, ours), saved.get(theirs)
        if isinstance(wanted, tuple):
            wanted, held = sorted(wanted), sorted(held or ())  # type: ignore[call-overload]
        if wanted != (held or type(wanted)()):
            raise BadInputError(
                f"{ours} is {wanted}, the parent's adapter has {held}",
                "A fork goes on with its parent's adapter",
                f"Set {ours}={held}",
            )
