"""Loading a base model and its tokenizer: embedded, local folder, or hub id.

Downloads report progress through a callback, and every way in which a model can be missing has its
own message. Adapters are not loaded here (see `transformers_engine.py`); what can be known without
torch is in `rft_core/model_files.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from huggingface_hub.utils.tqdm import tqdm as hub_tqdm
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.pytorch_utils import Conv1D

from rft_core.errors import ModelUnavailableError
from rft_core.model_files import resolve_model

Dtype = Literal["float32", "bfloat16", "auto"]
ProgressCallback = Callable[[str, float | None], None]  # message, fraction in [0, 1] or unknown

TOKENIZER_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")


def ignore_progress(message: str, fraction: float | None) -> None:
    """The callback of those who do not watch."""


def load_base(
    name: str, dtype: Dtype = "float32", progress: ProgressCallback = ignore_progress
) -> tuple[PreTrainedModel, Any]:
    """The model in evaluation mode on the CPU, and its tokenizer. Raises ModelUnavailableError."""
    folder = ensure_model_folder(name, progress)
    progress(f"loading {name}", None)
    tokenizer = _read_tokenizer(name, folder)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype="auto" if dtype == "auto" else getattr(torch, dtype)
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        # The loaders raise all of these for damaged, foreign or incomplete folders.
        raise ModelUnavailableError(
            f"The model '{name}' could not be loaded",
            _first_line(error),
            "It must be a causal language model with safetensors weights and a tokenizer",
        ) from error
    progress(f"loaded {name}", 1.0)
    model.train(False)
    return model, tokenizer


def load_tokenizer(name: str, progress: ProgressCallback = ignore_progress) -> Any:
    """The tokenizer alone: of a hub model, the weights are not downloaded."""
    return _read_tokenizer(name, ensure_model_folder(name, progress, TOKENIZER_FILES))


def ensure_model_folder(
    name: str,
    progress: ProgressCallback = ignore_progress,
    files: Sequence[str] = (*TOKENIZER_FILES, "*.safetensors"),
) -> Path:
    """The folder with the model's files, downloaded from the hub first if it has to be."""
    location = resolve_model(name)
    if isinstance(location, Path):
        return location
    try:
        folder = snapshot_download(
            location,
            allow_patterns=list(files),
            tqdm_class=_make_progress_bar(name, progress),
        )
    except GatedRepoError as error:
        raise ModelUnavailableError(
            f"The model '{name}' is gated",
            "Its owner asks you to accept a licence first",
            f"Accept it on huggingface.co/{name}, then run `hf auth login` and try again",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelUnavailableError(
            f"There is no model '{name}' on the hub",
            "The hub does not know it, or it is private",
            "Check the spelling on huggingface.co, or name a local folder",
        ) from error
    except (OSError, HfHubHTTPError) as error:  # includes LocalEntryNotFoundError: offline
        raise ModelUnavailableError(
            f"The model '{name}' could not be downloaded",
            f"The hub cannot be reached ({_first_line(error)})",
            "Check the network, or use 'embedded/countdown' or a local folder, which need none",
        ) from error
    return Path(folder)


def default_target_modules(model: PreTrainedModel) -> list[str]:
    """Names of all linear layers but the output head: what 'all-linear' means, spelled out."""
    head: object = getattr(model, "lm_head", None)
    return sorted(
        {
            name.rsplit(".", 1)[-1]
            for name, module in model.named_modules()
            if isinstance(module, (torch.nn.Linear, Conv1D)) and module is not head
        }
    )


def _read_tokenizer(name: str, folder: Path) -> Any:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelUnavailableError(
            f"The tokenizer of '{name}' could not be loaded",
            _first_line(error),
            "The folder needs tokenizer.json and tokenizer_config.json beside the weights",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _make_progress_bar(name: str, progress: ProgressCallback) -> type[hub_tqdm]:
    """A silent tqdm class that reports the bytes fetched so far.

    The hub's client makes two byte bars (received, written) and one that counts files; their totals
    grow while it discovers files. Only bytes are reported.
    """

    class ProgressBar(hub_tqdm):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            self._counts_bytes = kwargs.get("unit") == "B"
            super().__init__(*args, **{**kwargs, "disable": True})  # type: ignore[no-untyped-call]

        def update(self, n: float | None = 1) -> None:
            self.n += n or 0  # a disabled tqdm does not count by itself
            if self._counts_bytes and self.total:
                megabytes = f"{self.n / 1e6:.0f} of {self.total / 1e6:.0f} MB"
                progress(f"downloading {name}: {megabytes}", min(1.0, self.n / self.total))

    return ProgressBar


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]
