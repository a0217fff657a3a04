"""A GGUF file (llama.cpp's format) made into a model folder: what it holds, as float32 weights.

transformers reads the file and multiplies the quantised weights out, but calls the result quantised
and refuses to save it. So its weights go into a fresh model of the same configuration. Nothing is
lost beyond what quantising had lost.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel
from transformers.utils import logging as transformers_logging

from rft_core.errors import BadInputError, RftError, cannot_read, cannot_write
from rft_core.sampling.chat_template import render_text

MAGIC = b"GGUF"
SAID = "Indeed."  # what the model says where it is looked for how its turn ends


def import_gguf(file: Path, folder: Path) -> int:
    """Write the model and its tokenizer into a new folder; the number of its parameters.

    Raises `BadInputError` for a file that is none, that transformers does not know how to read or
    to save, or a folder that holds something already; `RftError` where a package is missing.
    `folder` is then left as it was.
    """
    _check(file, folder)
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    with _explained(file):
        model, tokenizer = _read(file)
        _name_end_of_turn(model, tokenizer)
        try:
            _save(model, tokenizer, folder)
        except OSError as error:
            raise cannot_write(folder, error) from error
        return int(model.num_parameters())


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Of all that goes wrong within: why this file cannot be imported, and what to do."""
    what = f"'{file}' cannot be imported"
    try:
        yield
    except RftError:
        raise
    except ImportError as error:  # it is not the file's fault
        fix = "Install what is missing: pip install -r requirements.txt"
        raise RftError(what, _say(error), fix) from error
    except Exception as error:  # the readers raise all kinds for damaged or foreign files
        fix = "Use a GGUF file of a Llama- or Qwen-shaped language model, or a safetensors folder"
        raise BadInputError(what, _say(error), fix) from error


def _say(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip()[:300]}"


def _read(file: Path) -> tuple[PreTrainedModel, Any]:
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    read = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype="float32")
    return _unquantised(read), tokenizer


def _check(file: Path, folder: Path) -> None:
    try:
        with file.open("rb") as opened:
            begins_right = opened.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise cannot_read(file, error) from error
    if not begins_right:
        raise BadInputError(f"'{file}' is no GGUF file", "It does not begin as one", "Name one")
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadInputError(
            f"'{folder}' holds something already", "Nothing is overwritten", "Name a new folder"
        )


def _unquantised(read: PreTrainedModel) -> PreTrainedModel:
    config = read.config.__class__.from_dict(
        {key: value for key, value in read.config.to_dict().items() if key != "quantization_config"}
    )
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=read.dtype)  # type: ignore[no-untyped-call]
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    return model


def _name_end_of_turn(model: PreTrainedModel, tokenizer: Any) -> None:
    """As the chat template writes it: files often name the token that begins a turn instead."""
    if tokenizer.chat_template:
        end = _find_end_of_turn(tokenizer)
        if end is not None:
            tokenizer.eos_token = end
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    for config in (model.config, model.generation_config):
        config.eos_token_id = tokenizer.eos_token_id
        config.pad_token_id = tokenizer.pad_token_id


def _find_end_of_turn(tokenizer: Any) -> str | None:
    """The token that follows what the model said; None where the template writes none."""
    turns = [{"role": "user", "content": "Is it?"}, {"role": "assistant", "content": SAID}]
    try:
        text = render_text(tokenizer, turns, prompt=False)
    except RftError:
        return None
    _, _, after = text.rpartition(SAID)
    ids = tokenizer(after, add_special_tokens=False)["input_ids"]
    token = tokenizer.convert_ids_to_tokens(ids[0]) if ids else None
    return token if token and after.startswith(token) else None


def _save(model: PreTrainedModel, tokenizer: Any, folder: Path) -> None:
    """All of it or nothing: written beside the folder, then renamed."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".import-", dir=folder.parent))
    try:
        model.save_pretrained(made)
        tokenizer.save_pretrained(made)
        made.chmod(0o755)
        made.replace(folder)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
