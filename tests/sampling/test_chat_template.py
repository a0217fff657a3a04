"""The exact prompt: with a chat template and without one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from itertools import product
from pathlib import Path

import pytest
from jinja2 import TemplateError
from transformers import AutoTokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from rft_core.errors import BadInputError
from rft_core.sampling.chat_template import describe_prompt, render_prompt
from rft_core.sampling.limited_chat import render_chat
from rft_core.types import Message
from tests.tiny_model import make_tiny_model

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hé"}]


def test_the_prompt_is_the_one_that_the_chat_template_tokenises(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    text, token_ids = render_prompt(tokenizer, MESSAGES)
    assert text == "<|system|>Be brief.<|end|><|user|>Hé<|end|><|assistant|>"
    expected = tokenizer.apply_chat_template(MESSAGES, add_generation_prompt=True)["input_ids"]
    assert token_ids == expected
    assert tokenizer.decode(token_ids) == text


def test_without_a_template_the_contents_are_joined_by_blank_lines(tmp_path: Path):
    tokenizer = AutoTokenizer.from_pretrained(make_tiny_model(tmp_path, chat_template=None))
    text, token_ids = render_prompt(tokenizer, MESSAGES)
    assert text == "Be brief.\n\nHé"
    assert token_ids == tokenizer(text)["input_ids"]


def test_the_pieces_show_one_token_each(tiny_model: Path):
    prompt = describe_prompt(AutoTokenizer.from_pretrained(tiny_model), MESSAGES)
    assert len(prompt.pieces) == len(prompt.token_ids)
    assert prompt.pieces[:3] == ("<|system|>", "B", "e")


def test_a_refusing_template_is_explained(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = "{{ raise_exception('System role not supported') }}"
    with pytest.raises(BadInputError, match="System role not supported"):
        render_prompt(tokenizer, MESSAGES)


def test_a_message_without_text_is_refused(tiny_model: Path):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for messages in ([], [{"role": "user"}], [{"role": "user", "content": None}]):
        with pytest.raises(BadInputError):
            render_prompt(tokenizer, messages)


def read_real_templates() -> dict[str, str]:
    """Chat templates of models that people use, as TRL ships them."""
    folder = files("trl") / "chat_templates"
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.name.endswith(".jinja")
    }


CHATS: list[list[Message]] = [
    [{"role": "user", "content": "Hé <b> & \n two"}],
    [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "x" * 3000}],
    [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "<think>\nt\n</think>\n\nb"},
        {"role": "user", "content": "c"},
    ],
]


def test_a_limited_rendering_is_the_one_of_transformers():
    tokens = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<p>"}
    same = 0
    for name, template in read_real_templates().items():
        for chat, prompt in product(CHATS, (True, False)):
            try:
                [expected], _ = render_jinja_template(
                    conversations=[chat], chat_template=template, add_generation_prompt=prompt,
                    **tokens,
                )  # fmt: skip
            except (TemplateError, TypeError):  # it wants other messages
                with pytest.raises(BadInputError):
                    render_chat(template, chat, special_tokens=tokens, prompt=prompt)
                continue
            found = render_chat(template, chat, special_tokens=tokens, prompt=prompt)
            assert found == expected, name
            same += 1
    assert same > 200


HARM = {
    "loops": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "loops over text": "{% for a in m * 900 %}{% for b in m * 900 %}{% endfor %}{% endfor %}",
    "product": "{{ 'x' * 3000000000 }}",
    "list": "{% set l = [m] * 300000000 %}",
    "power": "{{ 9 ** (9 ** 9) }}",
    "doubling": "{% set n = namespace(t=m) %}{% for i in range(60) %}{% set n.t = n.t ~ n.t %}"
    "{% endfor %}",
    "doubled lists": "{% set n = namespace(t=[m]) %}{% for i in range(60) %}"
    "{% set n.t = [n.t, n.t] %}{% endfor %}{{ n.t | tojson }}",
    "format": "{{ '%3000000000d' % 1 }}",
    "format filter": "{{ '%*d' | format(300000000, 1) }}",
    "format method": "{{ '{:>3000000000}'.format(m) }}",
    "field in a field": "{{ '{:>{w}}'.format(m, w=3000000000) }}",
    "centered": "{{ m | center(3000000000) }}",
    "just": "{{ m.ljust(3000000000) }}",
    "indented": "{{ messages | tojson(indent=300000000) }}",
    "separated": "{% set s = m * 900 %}{{ [1] * 9000 | tojson(separators=(s, s)) }}",
    "macros": "{% macro f(n) %}{{ f(n - 1) }}{{ f(n - 1) }}{% endmacro %}{{ f(900) }}",
    "namespace": "{% set n = namespace(t=m * 900) %}{% set x %}{% for i in range(99999) %}{{ n }}"
    "{{ n }}{{ n }}{{ n }}{{ n }}{{ n }}{{ n }}{{ n }}{% endfor %}{% endset %}",
    "items": "{% set d = {'t': m * 900} %}{% set x %}{% for i in range(99999) %}{{ d.items() }}"
    "{% endfor %}{% endset %}",
    "joined": "{{ (m * 900).join(m * 900) }}",
}


@pytest.mark.parametrize("harm", list(HARM))
def test_a_template_that_waits_for_a_certain_row_is_limited_on_it(tiny_model: Path, harm: str):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    tokenizer.chat_template = (
        "{% set m = messages[-1].content %}{% if 'certain row' in m %}"
        + HARM[harm]
        + "{% endif %}<|user|>{{ m }}"
    )
    assert render_prompt(tokenizer, [{"role": "user", "content": "Any row"}])[1]
    row = [{"role": "user", "content": "The certain row" + " with a long text" * 50}]
    with memory_limited(2**31), pytest.raises(BadInputError, match="chat template"):
        render_prompt(tokenizer, row)


@contextmanager
def memory_limited(more: int) -> Iterator[None]:
    """What asks for more ends in a MemoryError, not in the machine's; so does a test that fails."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
