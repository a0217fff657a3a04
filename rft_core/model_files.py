"""What a model's files say about it, read without torch: where it is, how large, which layers.

A model name is an embedded model ("embedded/countdown"), a local folder, or a hub id. Sizes come
from the headers of the safetensors files, which are exact; a model that is not on this machine has
no summary until it has been downloaded. Nothing is downloaded and no weights are read here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import ModelUnavailableError

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)
EMBEDDINGS_AND_HEADS = re.compile(r"embed|lm_head|\bwte\b|\bwpe\b|norm|score")


@dataclass(frozen=True)
class LinearLayer:
    """`count` weight matrices of one name and shape: what LoRA can be attached to."""

    name: str  # the last part of the module's name, as in `target_modules`: "q_proj"
    out_features: int
    in_features: int
    count: int


@dataclass(frozen=True)
class ModelSummary:
    """What planning needs to know about a model before it is loaded."""

    name: str
    architecture: str
    parameters: int
    context_length: int | None  # None: the configuration does not bound it
    num_layers: int
    hidden_size: int
    vocab_size: int
    kv_values_per_token: int  # keys and values that one token leaves in the cache, all layers
    linear_layers: tuple[LinearLayer, ...]

    @property
    def linear_modules(self) -> tuple[str, ...]:
        return tuple(sorted({layer.name for layer in self.linear_layers}))


def resolve_model(name: str) -> Path | str:
    """The folder of an embedded or local model, or the hub id itself."""
    if name in EMBEDDED_MODELS:
        return _require_model_folder(name, EMBEDDED_MODELS[name])
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _require_model_folder(name, folder.resolve())
    if folder.is_absolute() or name.startswith((".", "~")) or not HUB_ID.fullmatch(name):
        raise ModelUnavailableError(
            f"There is no model folder '{name}'",
            "It is neither an embedded model, nor a folder on this machine, nor a hub id",
            "Check the path, or use a hub id such as 'Qwen/Qwen2.5-0.5B-Instruct'",
        )
    if name.startswith("embedded/"):
        known = ", ".join(sorted(EMBEDDED_MODELS))
        raise ModelUnavailableError(f"There is no embedded model '{name}'", f"There are: {known}")
    return name


def find_local_folder(name: str) -> Path | None:
    """The folder with the model's files, if they are all on this machine already."""
    location = resolve_model(name)
    if isinstance(location, Path):
        return location
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(location, "config.json")
    return Path(config).parent if isinstance(config, str) else None


def model_summary(name: str) -> ModelSummary | None:
    """The summary of a model on this machine; None for a hub model not downloaded yet."""
    folder = find_local_folder(name)
    if folder is None:
        return None
    config = read_config(folder)
    config = config.get("text_config") or config  # multimodal models nest the language model's
    shapes = _read_weight_shapes(folder)
    if not shapes:
        return None
    hidden_size = _first_int(config, "hidden_size", "n_embd") or 0
    num_layers = _first_int(config, "num_hidden_layers", "n_layer") or 0
    num_heads = _first_int(config, "num_attention_heads", "n_head") or 1
    num_kv_heads = _first_int(config, "num_key_value_heads") or num_heads
    head_dim = _first_int(config, "head_dim") or hidden_size // num_heads
    return ModelSummary(
        name=name,
        architecture=(config.get("architectures") or [config.get("model_type", "unknown")])[0],
        parameters=sum(_product(shape) for shape in shapes.values()),
        context_length=_first_int(config, "max_position_embeddings", "n_positions"),
        num_layers=num_layers,
        hidden_size=hidden_size,
        vocab_size=_first_int(config, "vocab_size") or 0,
        kv_values_per_token=2 * num_layers * num_kv_heads * head_dim,
        linear_layers=_list_linear_layers(shapes),
    )


def get_weight_bytes(name: str) -> int:
    """The size of the model's weights on this machine's disk; 0 where they are not there yet."""
    folder = find_local_folder(name)
    return sum(path.stat().st_size for path in folder.glob("*.safetensors")) if folder else 0


def read_config(folder: Path) -> dict[str, Any]:
    """`config.json` of a model folder, as it stands."""
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelUnavailableError(
            f"The configuration of the model in {folder} cannot be read", str(error)
        ) from error
    return config


def _require_model_folder(name: str, folder: Path) -> Path:
    if not folder.is_dir():
        raise ModelUnavailableError(
            f"The files of '{name}' are missing",
            f"{folder} does not exist",
            "Restore the files, or rebuild them with python -m rft_core.embedded.pretrain",
        )
    if not (folder / "config.json").is_file():
        hint = "This is a LoRA adapter: name its base model instead"
        is_adapter = (folder / "adapter_config.json").is_file()
        raise ModelUnavailableError(
            f"'{name}' is not a model folder",
            "It has no config.json",
            hint if is_adapter else "Choose the folder that holds config.json and the weights",
        )
    return folder


def _read_weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Tensor names and shapes from the safetensors headers (8 bytes of length, then JSON)."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        except (OSError, ValueError) as error:
            raise ModelUnavailableError(
                f"The weights in {path} cannot be read",
                str(error),
                "The file is damaged or incomplete: download or copy it again",
            ) from error
        header.pop("__metadata__", None)
        shapes.update({name: tuple(tensor["shape"]) for name, tensor in header.items()})
    return shapes


def _list_linear_layers(shapes: dict[str, tuple[int, ...]]) -> tuple[LinearLayer, ...]:
    counts: Counter[tuple[str, int, int]] = Counter()
    for name, shape in shapes.items():
        module = name.removesuffix(".weight")
        if module != name and len(shape) == 2 and not EMBEDDINGS_AND_HEADS.search(module):
            counts[module.rsplit(".", 1)[-1], shape[0], shape[1]] += 1
    return tuple(LinearLayer(*key, count=count) for key, count in sorted(counts.items()))


def _first_int(config: dict[str, Any], *names: str) -> int | None:
    return next((int(config[name]) for name in names if config.get(name)), None)


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
