"""What a model's files say about it, read without torch: where it is, how large, which layers.

A model name is an embedded model ("embedded/countdown"), a local folder, or a hub id. Sizes come
from the headers of the safetensors files, which are exact; a model that is not on this machine has
no summary until it has been downloaded. Nothing is downloaded and no weights are read here.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import ModelUnavailableError, quote

HUB_ID = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", re.ASCII)
DAMAGED = "The model is damaged or not meant to be loaded: download or copy it again"
READ_BY_LOADERS = {".json", ".txt", ".model", ".jinja", ".tiktoken", ".safetensors", ".bin"}
LONGEST_HEADER = 100_000_000  # bytes, as safetensors itself allows
LAYER_KEYS = ("num_hidden_layers", "n_layer", "num_layers", "num_experts", "num_local_experts")
COUNTS = (
    ("hidden_size", "n_embd"), ("num_hidden_layers", "n_layer"),
    ("num_attention_heads", "n_head"), ("num_key_value_heads",), ("head_dim",),
    ("max_position_embeddings", "n_positions"), ("vocab_size",),
)  # fmt: skip
MOST_SHARED = 16  # layers that share weights, and numbers packed into one
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
    if os.path.isdir(folder):  # noqa: PTH112  # Path.is_dir raises for a name that is too long
        return _require_model_folder(name, folder.resolve())
    if folder.is_absolute() or name.startswith((".", "~")) or not HUB_ID.fullmatch(name):
        raise ModelUnavailableError(
            f"There is no model folder {quote(name)}",
            "It is neither an embedded model, nor a folder on this machine, nor a hub id",
            "Check the path, or use a hub id such as 'Qwen/Qwen2.5-0.5B-Instruct'",
        )
    if name.startswith("embedded/"):
        known = ", ".join(sorted(EMBEDDED_MODELS))
        raise ModelUnavailableError(
            f"There is no embedded model '{name}'",
            f"There are: {known}",
            "Name one of them, a folder or a model of the hub",
        )
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
    config, shapes = _check_folder(name, folder)
    if not shapes:
        return None
    hidden_size = _first_int(config, "hidden_size", "n_embd") or 0
    num_layers = _first_int(config, "num_hidden_layers", "n_layer") or 0
    num_heads = _first_int(config, "num_attention_heads", "n_head") or 1
    num_kv_heads = _first_int(config, "num_key_value_heads") or num_heads
    head_dim = _first_int(config, "head_dim") or hidden_size // num_heads
    return ModelSummary(
        name=name,
        architecture=_name_architecture(config),
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
        _require_file(folder / "config.json")
        config = json.loads((folder / "config.json").read_text("utf-8"))
        if not isinstance(config, dict):
            raise ValueError(f"It holds {quote(config)} and no JSON object")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelUnavailableError(
            f"The configuration of the model in {folder} cannot be read", _say(error), DAMAGED
        ) from error
    return config


def check_model_folder(name: str, folder: Path) -> None:
    """Raises ModelUnavailableError for what no loader should be shown.

    That is: what is no plain file, weights that are pickles, headers that lie, and numbers in
    config.json that the weights do not bear out (a billion layers would be made before the loader
    noticed). Reads headers only.
    """
    _check_folder(name, folder)


def _check_folder(name: str, folder: Path) -> tuple[dict[str, Any], dict[str, tuple[int, ...]]]:
    for path in folder.iterdir():
        if path.suffix in READ_BY_LOADERS:
            try:
                _require_file(path)
            except (OSError, ValueError) as error:
                raise ModelUnavailableError(
                    f"{quote(path.name)} of the model {quote(name)} cannot be read",
                    _say(error),
                    DAMAGED,
                ) from error
    config = read_config(folder)
    nested = config.get("text_config")  # multimodal models nest the language model's
    config = nested if isinstance(nested, dict) and nested else config
    shapes = _read_weight_shapes(folder)
    if not shapes and any(folder.glob("*.bin")):
        raise ModelUnavailableError(
            f"The weights of {quote(name)} are pickles (.bin)",
            "A pickle can run any program when it is read",
            "Use the model's safetensors files, or convert it where you trust it",
        )
    _check_numbers(name, config, shapes)
    return config, shapes


def _check_numbers(name: str, config: dict[str, Any], shapes: dict[str, tuple[int, ...]]) -> None:
    """Sizes and counts that the weights bear out, with room for packed or shared ones."""
    for keys in COUNTS:
        _first_int(config, *keys)  # raises for what is no positive number
    if not shapes:
        return
    layers = {int(n) for weight in shapes for n in re.findall(r"\.(\d{1,6})\.", weight)}
    widest = max((size for shape in shapes.values() for size in shape), default=1)
    most_layers = MOST_SHARED * (len(layers) + 4)
    for key, value in config.items():
        is_count = isinstance(value, int) and not isinstance(value, bool)
        if not is_count or key.endswith(("_id", "_index")) or "position" in key:
            continue
        most = most_layers if key in LAYER_KEYS else MOST_SHARED * max(widest, 4096)
        is_size = key in LAYER_KEYS or key.endswith(("_size", "_dim", "_heads")) or "embd" in key
        if is_size and abs(value) > most:
            raise _odd_number(key, value, "The weights do not bear this out")


def _odd_number(key: str, value: object, why: str) -> ModelUnavailableError:
    return ModelUnavailableError(f"config.json says {key} = {quote(value)}", why, DAMAGED)


def _name_architecture(config: dict[str, Any]) -> str:
    named = config.get("architectures")
    first = named[0] if isinstance(named, list) and named else config.get("model_type", "unknown")
    return str(first)[:100]


def _require_file(path: Path) -> None:
    """Raises OSError or ValueError for a pipe, a device, a folder, or a link that leads nowhere."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("It is no plain file")


def _say(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "It is nested too deeply"
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error).split("\n")[0][:200]


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
            _require_file(path)
            shapes |= _read_header(path)
        except (OSError, ValueError, RecursionError) as error:
            raise ModelUnavailableError(
                f"The weights in {path} cannot be read", _say(error), DAMAGED
            ) from error
    return shapes


def _read_header(path: Path) -> dict[str, tuple[int, ...]]:
    """Raises ValueError where it is no header of a safetensors file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > min(LONGEST_HEADER, path.stat().st_size - 8):
            raise ValueError(f"Its header claims {size} bytes, more than there are")
        header = json.loads(file.read(size))
    if not isinstance(header, dict):
        raise ValueError("Its header is no JSON object")
    header.pop("__metadata__", None)
    shapes = {}
    for name, tensor in header.items():
        shape = tensor.get("shape") if isinstance(tensor, dict) else None
        is_shape = isinstance(shape, list) and all(
            isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 2**40 for n in shape
        )
        if not isinstance(shape, list) or not is_shape or len(shape) > 16:
            raise ValueError(f"Its header gives no shape for {quote(name)}")
        shapes[name] = tuple(shape)
    return shapes


def _list_linear_layers(shapes: dict[str, tuple[int, ...]]) -> tuple[LinearLayer, ...]:
    counts: Counter[tuple[str, int, int]] = Counter()
    for name, shape in shapes.items():
        module = name.removesuffix(".weight")
        if module != name and len(shape) == 2 and not EMBEDDINGS_AND_HEADS.search(module):
            counts[module.rsplit(".", 1)[-1], shape[0], shape[1]] += 1
    return tuple(LinearLayer(*key, count=count) for key, count in sorted(counts.items()))


def _first_int(config: dict[str, Any], *names: str) -> int | None:
    """The first that is there. Raises ModelUnavailableError for what is no positive number."""
    for name in names:
        value = config.get(name)
        if value is None:
            continue
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not 0 < value < 2**40:
            raise _odd_number(name, value, "It must be a positive whole number")
        return int(value)
    return None


def _product(shape: tuple[int, ...]) -> int:
    total = 1
    for size in shape:
        total *= size
    return total
