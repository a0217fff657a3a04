"""LoRA adapters on a resident base model: loaded by folder, a few kept, the rest forgotten.

PEFT keeps several adapters beside one base, and can run a different one for each row of a batch.
For a whole batch with one adapter it is faster to add the adapter into the weights; `merged` does
that exactly, by putting the untouched weights back afterwards instead of subtracting.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.lora import LoraLayer
from transformers import PreTrainedModel

from rft_core.errors import ModelUnavailableError

BASE = "__base__"  # PEFT's name for a row without an adapter
ADAPTERS_KEPT = 4


class Adapters:
    """The base model and the adapters lately used on it."""

    def __init__(self, base: PreTrainedModel) -> None:
        self._base = base
        self._peft: PeftModel | None = None
        self._names: OrderedDict[tuple[str, int], str] = OrderedDict()  # (folder, mtime) -> name
        self._loaded = 0

    @property
    def model(self) -> Any:
        """What to call: the bare base until the first adapter has been loaded."""
        return self._peft or self._base

    @property
    def folders(self) -> tuple[str, ...]:
        return tuple(folder for folder, _ in self._names)

    def ensure(self, folder: Path | None, in_use: int = 1) -> str | None:
        """The adapter's name inside PEFT, loaded if need be; None if no adapter was ever loaded.

        `in_use` adapters, the latest asked for, are never forgotten.
        """
        if folder is None:
            return None if self._peft is None else BASE
        key = (str(folder), _modification_time(folder))
        if key not in self._names:
            self._names[key] = self._load(folder)
        self._names.move_to_end(key)
        while len(self._names) > max(ADAPTERS_KEPT, in_use):
            _, oldest = self._names.popitem(last=False)
            assert self._peft is not None
            self._peft.set_adapter(self._names[key], inference_mode=True)  # PEFT keeps one active
            self._peft.delete_adapter(oldest)
        return self._names[key]

    def _load(self, folder: Path) -> str:
        self._loaded += 1
        name = f"adapter-{self._loaded}"
        try:
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(self._base, folder, adapter_name=name)
            else:
                self._peft.load_adapter(folder, adapter_name=name)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelUnavailableError(
                f"The adapter in {folder} could not be loaded",
                str(error).strip().split("\n")[0][:300],
                "It must be a PEFT adapter made for this base model",
            ) from error
        self._peft.eval()
        return name


@contextmanager
def only_adapter(model: Any, name: str | None) -> Iterator[None]:
    """Within, every row runs with this adapter alone; BASE: with none; None: as things stand."""
    if name is None or not isinstance(model, PeftModel):
        yield
    elif name == BASE:
        with model.disable_adapter():
            yield
    elif can_merge(model, name):
        with merged(model, name):
            yield
    else:
        if name not in model.active_adapters:  # setting it would freeze one that is trained
            model.set_adapter(name, inference_mode=True)
        yield


@contextmanager
def merged(model: PeftModel, name: str) -> Iterator[None]:
    """Within, the base weights include the adapter; afterwards they are bit for bit as before."""
    untouched: list[tuple[torch.Tensor, torch.Tensor]] = []
    try:
        with torch.no_grad():
            for module in _list_layers(model, name):
                weight = module.get_base_layer().weight
                untouched.append((weight, weight.data))
                weight.data = weight.data + module.get_delta_weight(name)
        with model.disable_adapter():
            yield
    finally:
        for weight, data in untouched:
            weight.data = data


def can_merge(model: PeftModel, name: str) -> bool:
    """Plain LoRA on a float32 base: in bfloat16 the sum is rounded, and outputs would differ."""
    config: Any = model.peft_config[name]
    special = (config.modules_to_save, config.target_parameters, config.trainable_token_indices)
    embeddings = model.get_input_embeddings().weight  # may be tied to a head with an adapter
    return (
        config.bias == "none"
        and not any(special)
        and all(
            isinstance(layer, LoraLinear)
            and name not in layer.lora_variant
            and layer.get_base_layer().weight.dtype == torch.float32
            and layer.get_base_layer().weight is not embeddings
            for layer in _list_layers(model, name)
        )
    )


def can_mix(model: Any, name: str | None) -> bool:
    """Whether rows with this adapter may share a batch with others: PEFT mixes plain LoRA alone."""
    if name is None or name == BASE or not isinstance(model, PeftModel):
        return True
    config: Any = model.peft_config[name]
    return not (config.use_dora or config.modules_to_save)


def _list_layers(model: PeftModel, name: str) -> list[Any]:
    return [
        module
        for module in model.modules()
        if isinstance(module, LoraLayer)
        and (name in module.lora_A or name in module.lora_embedding_A)
    ]


def _modification_time(folder: Path) -> int:
    """Of the weights, so that an adapter saved again under the same name is loaded again."""
    for file_name in ("adapter_model.safetensors", "adapter_config.json"):
        if (folder / file_name).is_file():
            return (folder / file_name).stat().st_mtime_ns
    raise ModelUnavailableError(
        f"There is no adapter in {folder}",
        "It has no adapter_model.safetensors" if folder.is_dir() else "The folder does not exist",
        "Choose a checkpoint that is still kept, or the run's final adapter",
    )
