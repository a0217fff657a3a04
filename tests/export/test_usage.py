"""The lines that serve an export, and a Modelfile that says what the chat template says."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from rft_core.config import RunConfig, make_config
from rft_core.export import export_run, find_system
from rft_core.export.modelfile import write_modelfile
from rft_core.export.usage import list_ways
from rft_core.paths import get_adapter_dir
from rft_core.sampling.chat_template import render_text
from tests.tiny_model import CHAT_TEMPLATE, make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run, make_tiny_prompts

CHATML = (
    "{% for m in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{% endif %}"
    "{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
PLAIN_CHATML = CHATML.replace("You are helpful.", "").replace(
    "{{ '<|im_start|>system\n<|im_end|>\n' }}", ""
)
NO_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}{{ '<turn>' + ('model' if m['role'] == 'assistant' else 'user') }}"
    "{{ '\n' + m['content'] + '<end>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<turn>model\n' }}{% endif %}"
)
# Llama 2: the system message goes into the first question.
INTO_THE_QUESTION = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {% if messages[0]['role'] == "
    "'system' and loop.index == 2 %}<<SYS>>{{ messages[0]['content'] }}<</SYS>>{% endif %}"
    "{{ m['content'] }} [/INST]{% elif m['role'] == 'assistant' %}{{ m['content'] }}</s>"
    "{% endif %}{% endfor %}"
)
DATED = CHATML.replace("You are helpful.", "Today is ' + strftime_now('%d %b %Y') + '.")
FORGETS = CHATML.replace("m['content'] +", "m['content'][:9] +")
QUOTED = CHATML.replace("<|im_end|>", '""" {{ end }}')

TURNS = [
    {"role": "user", "content": "What is 6 * 7?"},
    {"role": "assistant", "content": "42,\nof course"},
    {"role": "user", "content": "And {{ 8 }} * 9?"},
]


def make_tokenizer(template: str | None) -> Any:
    from tests.tiny_model import _make_tokenizer

    return _make_tokenizer(template)


def write(template: str | None, **more: Any) -> str:
    tokenizer = make_tokenizer(template)
    ends = frozenset([tokenizer.eos_token_id])
    return write_modelfile(tokenizer, ends, {}, system=more.pop("system", None), **more)


def render_go(modelfile: str, messages: list[dict[str, str]]) -> str:
    """A reading of the file's own text: what Ollama's template writes for these messages.

    Of Go's language it knows what the files use: if, else if, else, range, end and the fields.
    """
    found = re.search(r'TEMPLATE """(.*?)"""|TEMPLATE "(.*?)"', modelfile, re.DOTALL)
    assert found
    pieces = re.split(r"(\{\{ .*? \}\})", found[1] if found[1] is not None else found[2])
    system = next((m["content"] for m in messages if m["role"] == "system"), "")
    words, _ = _parse(pieces, 0)
    return _write(words, {"System": system, "Messages": messages, "Prompt": ""})


def _parse(pieces: list[str], at: int) -> tuple[list[Any], int]:
    """A block up to its `end` or `else`, as texts, fields and (condition, block, other) lists."""
    block: list[Any] = []
    while at < len(pieces):
        piece = pieces[at]
        word = piece[3:-3] if piece.startswith("{{ ") else None
        if word is None:
            block.append(piece)
        elif word == "end" or word.startswith("else"):
            return block, at
        elif word.startswith(("if ", "range ")):
            branches = []
            while word != "end":
                inner, at = _parse(pieces, at + 1)
                branches.append((word, inner))
                word = pieces[at][3:-3]
            block.append(branches)
        else:
            block.append((word,))
        at += 1
    return block, at


def _write(block: list[Any], scope: dict[str, Any]) -> str:
    parts = []
    for one in block:
        if isinstance(one, str):
            parts.append(one)
        elif isinstance(one, tuple):
            parts.append(str(scope[one[0].removeprefix(".")]))
        elif one[0][0].startswith("range"):
            for message in scope["Messages"]:
                inner = {"Role": message["role"], "Content": message["content"]}
                parts.append(_write(one[0][1], inner))
        else:
            parts.append(next((_write(b, scope) for w, b in one if _holds(w, scope)), ""))
    return "".join(parts)


def _holds(word: str, scope: dict[str, Any]) -> bool:
    words = shlex.split(word.removeprefix("else").strip().removeprefix("if").strip())
    if not words:
        return True
    if words[0] == "eq":
        return bool(scope[words[1].removeprefix(".")] == words[2])
    return bool(scope[words[0].removeprefix(".")])


WITH_SYSTEM = (CHAT_TEMPLATE, CHATML, PLAIN_CHATML)


@pytest.mark.parametrize(
    ("template", "has_system"),
    [*((t, False) for t in (*WITH_SYSTEM, NO_SYSTEM)), *((t, True) for t in WITH_SYSTEM)],
)
def test_the_template_in_go_writes_what_the_models_own_writes(
    template: str, has_system: bool
) -> None:
    first = [{"role": "system", "content": "Think first."}] if has_system else []
    modelfile, tokenizer = write(template), make_tokenizer(template)
    for messages in ([*first, TURNS[0]], [*first, *TURNS]):
        assert render_go(modelfile, messages) == render_text(tokenizer, messages, prompt=True)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (INTO_THE_QUESTION, "it does more than put marks around messages"),
        (DATED, "the current date"),
        (FORGETS, "repeats messages or leaves them out"),
        (QUOTED, "quotes or braces"),
        ("{{ raise_exception('never') }}", "refuses an ordinary conversation"),
    ],
)
def test_a_template_that_cannot_be_said_in_go_is_left_out_with_the_reason(
    template: str, why: str
) -> None:
    modelfile = write(template)
    assert "\nTEMPLATE" not in modelfile and why in modelfile
    assert "FROM ." in modelfile and 'PARAMETER stop "<|end|>"' in modelfile


def test_a_model_without_a_chat_template_gets_the_texts_as_they_are() -> None:
    assert 'TEMPLATE """{{ if .System }}{{ .System }}\n\n{{ end }}{{ .Prompt }}"""' in write(None)


def test_the_first_token_that_is_added_anyway_is_not_written_twice() -> None:
    from tokenizers.processors import TemplateProcessing

    tokenizer = make_tokenizer("{{ bos_token }}" + CHAT_TEMPLATE)
    tokenizer.bos_token = "<|system|>"
    ends = frozenset([tokenizer.eos_token_id])
    assert "<|system|>{{ if" in write_modelfile(tokenizer, ends, {}, system=None)
    bos = (tokenizer.bos_token, tokenizer.bos_token_id)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{bos[0]} $A", special_tokens=[bos]
    )
    assert "<|system|>{{ if" not in write_modelfile(tokenizer, ends, {}, system=None)


def test_stops_and_the_system_message_are_quoted_as_a_modelfile_wants_them() -> None:
    text = write(CHATML, system='Say "yes"\nor no.', stop_strings=("\n\n", "Q:"))
    assert 'SYSTEM """Say "yes"\nor no."""' in text
    assert 'PARAMETER stop "Q:"' in text and 'PARAMETER stop """\n\n"""' in text


def test_vllm_is_told_the_rank_that_it_takes_and_what_it_cannot_load() -> None:
    def vllm(**settings: Any) -> str:
        ways = list_ways(make_config({"model": "org/base", **settings}), is_merged=False)
        return next(way.text for way in ways if way.title == "vLLM")

    text = vllm(lora_r=20, name="My run!")
    assert "vllm serve org/base --enable-lora --max-lora-rank 32" in text
    assert "--lora-modules my-run='this folder'" in text
    assert "DoRA" in vllm(use_dora=True) and "vllm serve" not in vllm(use_dora=True)
    assert "vllm serve" not in vllm(modules_to_save="lm_head")
    assert "vllm serve" not in vllm(lora_r=1000)


def test_the_lines_of_a_merged_model_need_no_base() -> None:
    ways = {way.title: way.text for way in list_ways(RunConfig(model="org/base"), is_merged=True)}
    assert "vllm serve 'this folder'" in ways["vLLM"]
    assert "ollama create" in ways["Ollama"] and "-f Modelfile" in ways["Ollama"]
    assert all("org/base" not in text and "peft" not in text for text in ways.values())


@pytest.mark.parametrize("merged", [False, True])
def test_the_lines_for_transformers_run_as_they_are_written(tmp_path: Path, merged: bool) -> None:
    model = make_tiny_model(tmp_path / "model")
    add_tiny_run(tmp_path / "runs", model)
    make_tiny_adapter(model, get_adapter_dir(tmp_path / "runs", "tiny"))
    folder = export_run(tmp_path / "runs", "tiny", tmp_path / "out", merged=merged).folder
    card = (folder / "README.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    said: list[str] = []
    exec(code.replace('"this folder"', repr(str(folder))), {"print": said.append})
    assert len(said) == 1 and isinstance(said[0], str)
    assert (folder / "Modelfile").exists() is merged


def test_the_system_message_is_said_only_where_all_prompts_have_it() -> None:
    from rft_core.data.prompt_set import make_prompt_set
    from rft_core.data.split import Split
    from rft_core.data.template import PromptTemplate

    def with_system(system: str) -> Any:
        rows = [{"question": f"q{n}"} for n in range(4)]
        template = PromptTemplate(system=system, user="{{ question }}")
        split = Split((0, 1), (2, 3), seed=0)
        return make_prompt_set(rows, name="n", template=template, split=split)

    assert find_system(with_system("Be brief.")) == "Be brief."
    assert find_system(with_system("About {{ question }}.")) is None
    assert find_system(make_tiny_prompts()) is None
