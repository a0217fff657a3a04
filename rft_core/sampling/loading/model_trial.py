"""Trying a model folder's tokenizer and chat template where they can do no harm.

Both are programs of a kind that came with the model: a template may loop or grow without end, a
tokenizer's regular expressions may backtrack for ever, and a damaged one may end the process that
reads it. So they are first run on a sample text in a child with limits of time and memory. Needs
neither torch nor transformers.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import TemplateSyntaxError

from rft_core.data.template_work import TemplateLimitError
from rft_core.errors import BadInputError, ModelUnavailableError, quote
from rft_core.paths import PROJECT_ROOT
from rft_core.sampling.limited_chat import render_chat
from rft_core.types import Messages

CPU_SECONDS = 20
WALL_SECONDS = 120.0  # more than the other: the machine may be busy
MEMORY_BYTES = 2 * 1024**3
SAMPLE = "Using 3, 7 and 12, make 50. né 🙂\n\taaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
GAVE_UP = "it uses more time or memory than any real model's needs"


def try_model(name: str, folder: Path) -> None:
    """Raises ModelUnavailableError where the tokenizer or the template cannot be used."""
    files = [folder / "tokenizer.json", folder / "chat_template.jinja", *_configs(folder)]
    state = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
    if why := _try_folder(folder, state):
        _, allowed = resource.getrlimit(resource.RLIMIT_AS)
        if GAVE_UP in why and 0 <= allowed < MEMORY_BYTES:  # not the model's fault
            raise ModelUnavailableError(
                f"Out of memory while the tokenizer of {quote(name)} was tried",
                f"This process may use {allowed // 1024**2} MB",
                "Allow it more, see `ulimit -v`",
            )
        raise ModelUnavailableError(
            f"The tokenizer or chat template of {quote(name)} cannot be used",
            why,
            "Download the model again from where you trust it, or use another one",
        )


def _configs(folder: Path) -> list[Path]:
    return [folder / "tokenizer_config.json", folder / "chat_template.json"]


@lru_cache(maxsize=32)
def _try_folder(folder: Path, state: object) -> str:
    """What is wrong; empty where nothing is. `state`: of the files, so that a mended one is new."""
    try:
        child = subprocess.run(
            [sys.executable, "-m", "rft_core.sampling.loading.model_trial", str(folder)],
            cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=WALL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"Tried on a sample, {GAVE_UP}"
    lines = child.stdout.decode(errors="replace").splitlines()
    if lines and lines[-1].startswith("result:"):
        return lines[-1].removeprefix("result:").strip()[:300]
    return f"Tried on a sample, {GAVE_UP}, or it ends the process that reads it"


def read_template(folder: Path) -> Any:
    """The template as transformers would find it; None where there is none."""
    alone = folder / "chat_template.jinja"
    if alone.is_file():
        return alone.read_text(encoding="utf-8")
    for path in reversed(_configs(folder)):
        if path.is_file():
            held = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(held, dict):
                raise ValueError(f"{path.name} is no JSON object")
            template = held.get("chat_template")
            if isinstance(template, list):  # several, by name
                named = {t["name"]: t["template"] for t in template}
                template = named.get("default")
            if template:
                return template
    return None


def _try_template(template: str) -> str:
    """What is wrong with it. That it wants other messages is not: `render_prompt` says so then."""
    messages: Messages = [{"role": "user", "content": SAMPLE}]
    try:
        render_chat(template, messages, special_tokens={}, prompt=True)
    except BadInputError as error:
        if isinstance(error.__cause__, TemplateLimitError | MemoryError | RecursionError):
            return f"Tried on a sample, {GAVE_UP} ({error.why})"
        if isinstance(error.__cause__, TemplateSyntaxError):
            return f"{error.what}: {error.why}"
    return ""


def _try_all(folder: Path) -> str:
    for kind, wanted in ((resource.RLIMIT_CPU, CPU_SECONDS), (resource.RLIMIT_AS, MEMORY_BYTES)):
        _, allowed = resource.getrlimit(kind)
        most = wanted if allowed == resource.RLIM_INFINITY else min(wanted, allowed)
        resource.setrlimit(kind, (most, most))
    try:
        template = read_template(folder)
        if template is not None:
            if not isinstance(template, str):
                return "the chat template is no text"
            if why := _try_template(template):
                return why
        if (folder / "tokenizer.json").is_file():
            from tokenizers import Tokenizer

            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            for text in (SAMPLE, "a" * 3000, " " * 3000, "1" * 3000, "ab" * 1500 + "!"):
                tokenizer.encode(text)
    except (MemoryError, RecursionError, OverflowError) as error:
        return f"Tried on a sample, {GAVE_UP} ({type(error).__name__})"
    except BaseException as error:  # a Rust panic is no Exception
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return ""


if __name__ == "__main__":
    print("result:", _try_all(Path(sys.argv[1])), flush=True)
