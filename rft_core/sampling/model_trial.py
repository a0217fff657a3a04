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

from rft_core.errors import ModelUnavailableError, quote
from rft_core.paths import PROJECT_ROOT

CPU_SECONDS = 20
WALL_SECONDS = 120.0  # more than the other: the machine may be busy
MEMORY_BYTES = 2 * 1024**3
LONGEST_PROMPT = 1_000_000  # characters, of a sample of a hundred
SAMPLE = "Using 3, 7 and 12, make 50. né 🙂\n\taaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
GAVE_UP = "it uses more time or memory than any real model's needs"


def try_model(name: str, folder: Path) -> None:
    """Raises ModelUnavailableError where the tokenizer or the template cannot be used."""
    files = [folder / "tokenizer.json", folder / "chat_template.jinja", *_configs(folder)]
    state = tuple((str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
    if why := _try_folder(folder, state):
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
            [sys.executable, "-m", "rft_core.sampling.model_trial", str(folder)],
            cwd=PROJECT_ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, timeout=WALL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"Tried on a sample, {GAVE_UP}"
    lines = child.stdout.decode(errors="replace").splitlines()
    if lines and lines[-1].startswith("result:"):
        return lines[-1].removeprefix("result:").strip()[:300]
    return f"Tried on a sample, {GAVE_UP}, or it ends the process that reads it"


def _read_template(folder: Path) -> Any:
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


def _render(template: str) -> int:
    """The length of the sample conversation; 0 where the template refuses it."""
    import jinja2
    from jinja2.ext import loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class GenerationTag(jinja2.ext.Extension):
        """`{% generation %}` marks what the model writes: here, text like any other."""

        tags = {"generation"}  # noqa: RUF012  # as jinja declares it

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, loopcontrols]
    )
    environment.filters["tojson"] = lambda value, **options: json.dumps(value, default=str)
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda form: form
    compiled = environment.from_string(template)  # a syntax error is the template's own fault
    messages = [{"role": "user", "content": SAMPLE}]
    length = 0
    try:
        for piece in compiled.generate(messages=messages, add_generation_prompt=True):
            length += len(piece)
            if length > LONGEST_PROMPT:
                raise ValueError("the chat template makes a prompt of a million characters")
    except (jinja2.TemplateError, TypeError, AttributeError, KeyError, IndexError):
        return 0  # it wants other messages; `render_prompt` says so where that matters
    return length


def _try_all(folder: Path) -> str:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    try:
        template = _read_template(folder)
        if template is not None:
            if not isinstance(template, str):
                return "the chat template is no text"
            _render(template)
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
