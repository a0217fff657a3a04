"""The lines that use and serve an export: transformers, vLLM, Ollama. Text for people to copy."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from rft_core.config import RunConfig
from rft_core.embedded import EMBEDDED_MODELS
from rft_core.model_files import find_local_folder
from rft_core.sampling.loading.model_trial import read_template

THIS_FOLDER = "this folder"
VLLM_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)  # what --max-lora-rank may be
MODELFILE = "Modelfile"


@dataclass(frozen=True)
class Way:
    """One way to use an export: its title, the language of its lines, and the lines."""

    title: str
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


def list_ways(
    config: RunConfig,
    *,
    is_merged: bool,
    folder: str = THIS_FOLDER,
    system: str | None = None,
) -> tuple[Way, ...]:
    """`folder`: where the export lies, or its name on the hub. `system`: what every prompt of the
    run began with, if that was always the same."""
    base = f"rft_core/{config.model}" if config.model in EMBEDDED_MODELS else config.model
    python = _list_python(config, base, folder, is_merged, system)
    if not is_merged:
        return (Way("transformers", "python", python), _describe_vllm(config, base, folder))
    name = name_model(config)
    return (
        Way("transformers", "python", python),
        Way("vLLM", "bash", (f"vllm serve {shlex.quote(folder)}",)),
        Way(
            "Ollama", "bash",
            (
                f"cd {shlex.quote(folder)}",
                f"ollama create {name} -f {MODELFILE}",
                f"ollama run {name}",
            ),
        ),
    )  # fmt: skip


def name_model(config: RunConfig) -> str:
    """A name that every server takes."""
    text = config.name or f"{config.task}-{config.model.rsplit('/', 1)[-1]}"
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-.") or "tuned"


def _describe_vllm(config: RunConfig, base: str, folder: str) -> Way:
    rank = next((rank for rank in VLLM_RANKS[1:] if rank >= config.lora_r), None)
    if config.use_dora or config.modules_to_save or rank is None:
        why = (
            "DoRA" if config.use_dora
            else "layers that were trained whole" if config.modules_to_save
            else f"rank {config.lora_r}"
        )  # fmt: skip
        return Way("vLLM", "bash", (f"# vLLM loads no adapters with {why}: export it merged",))
    name = name_model(config)
    return Way(
        "vLLM", "bash",
        (
            f"vllm serve {shlex.quote(base)} --enable-lora --max-lora-rank {rank} \\",
            f"  --lora-modules {name}={shlex.quote(folder)}",
            f"# clients ask for the model {name}",
        ),
    )  # fmt: skip


def _has_template(model: str) -> bool:
    """Whether it has a chat template. A model that is not on this machine is taken to have one."""
    folder = find_local_folder(model)
    try:
        return folder is None or bool(read_template(folder))
    except (OSError, ValueError, LookupError, TypeError):
        return True


def _list_python(
    config: RunConfig, base: str, folder: str, is_merged: bool, system: str | None
) -> tuple[str, ...]:
    told = "".join(f", {name}={value!r}" for name, value in config.chat_template_kwargs.items())
    first = [{"role": "system", "content": system}] if system else []
    messages = json.dumps([*first, {"role": "user", "content": "…"}], ensure_ascii=False)
    asks = (
        (
            f"messages = {messages}",
            "inputs = tokenizer.apply_chat_template(",
            "    messages, add_generation_prompt=True, return_dict=True,",
            f'    return_tensors="pt"{told},',
            ")",
        )
        if _has_template(config.model)
        else ('inputs = tokenizer("…", return_tensors="pt")',)
    )
    source = json.dumps(folder if is_merged else base, ensure_ascii=False)
    return (
        *([] if is_merged else ["from peft import PeftModel"]),
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f"tokenizer = AutoTokenizer.from_pretrained({source})",
        f"model = AutoModelForCausalLM.from_pretrained({source})",
        *([] if is_merged else [
            f"model = PeftModel.from_pretrained(model, {json.dumps(folder, ensure_ascii=False)})"
        ]),
        *asks,
        f"written = model.generate(**inputs, max_new_tokens={config.max_completion_length})",
        'print(tokenizer.decode(written[0, inputs["input_ids"].shape[1] :]))',
    )  # fmt: skip
