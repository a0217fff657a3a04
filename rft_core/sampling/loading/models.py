"""Loading a base model and its tokenizer: embedded, local folder, or hub id.

Every way in which a model can be missing has its own message; `download.py` fetches one from the
hub. Adapters are not loaded here (see `transformers_engine.py`); what can be known without
torch is in `rft_core/model_files.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import torch
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.errors import ModelUnavailableError
from rft_core.model_files import check_model_folder, get_weight_bytes, resolve_model
from rft_core.sampling.loading.download import ProgressCallback, download
from rft_core.sampling.loading.model_trial import try_model
from rft_core.sampling.loading.quantised import quantise_arguments
from rft_core.sampling.settings import Bits, Dtype

LOAD_SECONDS = 300.0
SLOWEST_DISK = 20e6  # bytes per second
TOKENIZER_FILES = ("*.json", "*.txt", "*.model", "*.jinja", "*.tiktoken")


def ignore_progress(message: str, fraction: float | None) -> None:
    """The callback of those who do not watch."""


def load_base(
    name: str,
    dtype: Dtype = "float32",
    progress: ProgressCallback = ignore_progress,
    *,
    bits: Bits | None = None,
) -> tuple[PreTrainedModel, Any]:
    """The model in evaluation mode on the CPU, and its tokenizer. Raises ModelUnavailableError.

    With `bits` its linear layers are quantised (`quantised.py`), and it is on the GPU.
    """
    quantised = quantise_arguments(name, dtype, bits) if bits else {}
    # Whoever watches has a callback: bars would only end up in logs and in other people's stderr.
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    folder = ensure_model_folder(name, progress)
    progress(f"loading {name}", None)
    check_model_folder(name, folder)
    tokenizer = _read_tokenizer(name, folder)
    try:
        model = within(
            LOAD_SECONDS + get_weight_bytes(name) / SLOWEST_DISK,
            lambda: AutoModelForCausalLM.from_pretrained(
                folder,
                dtype="auto" if dtype == "auto" else getattr(torch, dtype),
                use_safetensors=True,
                **quantised,
            ),
        )
    except Exception as error:  # the loaders raise all kinds for damaged or foreign folders
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
        return download(location, files, progress)
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


def within(seconds: float, load: Callable[[], Any]) -> Any:
    """What `load` gives. Raises TimeoutError after so long; the thread is then left behind.

    A Rust panic, which is no Exception, becomes a RuntimeError.
    """
    results: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()

    def run() -> None:
        try:
            results.put((load(), None))
        except BaseException as error:  # it is raised again where somebody waits for it
            results.put((None, error))

    threading.Thread(target=run, name="load", daemon=True).start()
    try:
        value, error = results.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"It was not loaded within {seconds:.0f} seconds") from None
    if isinstance(error, Exception):
        raise error
    if error is not None:
        raise RuntimeError(f"{type(error).__name__}: {error}")
    return value


def _read_tokenizer(name: str, folder: Path) -> Any:
    if name not in EMBEDDED_MODELS:
        try_model(name, folder)
    try:
        tokenizer = within(LOAD_SECONDS, lambda: AutoTokenizer.from_pretrained(folder))
    except Exception as error:
        raise ModelUnavailableError(
            f"The tokenizer of '{name}' could not be loaded",
            _first_line(error),
            "The folder needs tokenizer.json and tokenizer_config.json beside the weights",
        ) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).split("\n")[0][:200]
