"""Model folders made to harm: each is refused with one sentence, and nothing hangs or runs."""

import json
import os
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rft_core.errors import ModelUnavailableError
from rft_core.model_files import model_summary
from rft_core.sampling.loading import model_trial, models
from rft_core.sampling.loading.models import load_base, load_tokenizer, within

LOOPS = "{% for a in range(99999) %}" * 3 + "{{ a }}" + "{% endfor %}" * 3
SILENT = "{% for a in range(99999) %}" * 3 + "{% set x = a %}" + "{% endfor %}" * 3
REGEX = {"type": "Replace", "pattern": {"Regex": "(a|a|aa)+$|(.*)*x"}, "content": ""}


def header(value: object) -> bytes:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return struct.pack("<Q", len(text)) + text


def change_config(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | changes))

    return change


def write(name: str, content: bytes | str) -> Callable[[Path], None]:
    data = content if isinstance(content, bytes) else content.encode()
    return lambda folder: (folder / name).write_bytes(data) and None


def make_pipe(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)

    return make


def link(name: str, target: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)

    return make


def only_pickles(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def bad_regex(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | {"normalizer": REGEX}))


# Seen before launch, without torch.
SEEN_FROM_OUTSIDE: dict[str, Callable[[Path], None]] = {
    "config list": write("config.json", "[]"),
    "config null": write("config.json", "null"),
    "config deep": write("config.json", "[" * 200_000),
    "config empty": write("config.json", ""),
    "config text for a number": change_config(hidden_size="many"),
    "config list for a number": change_config(num_hidden_layers=[1]),
    "config billion layers": change_config(num_hidden_layers=10**9),
    "config huge hidden size": change_config(hidden_size=2**39),
    "config negative": change_config(num_attention_heads=-1),
    "config zero heads": change_config(num_attention_heads=0),
    "config fraction": change_config(vocab_size=2.5),
    "header 2^63": write("model.safetensors", struct.pack("<Q", 2**63) + b"{}"),
    "header 2^40": write("model.safetensors", struct.pack("<Q", 2**40) + b"{}"),
    "header list": write("model.safetensors", header([])),
    "header odd": write("model.safetensors", header({"x": 1})),
    "header deep": write("model.safetensors", header(b"[" * 200_000)),
    "shape odd": write("model.safetensors", header({"x.weight": {"shape": ["a"]}})),
    "shape negative": write("model.safetensors", header({"x.weight": {"shape": [-1, 2]}})),
    "no weights in the file": write("model.safetensors", b""),
    "pipe for weights": make_pipe("model.safetensors"),
    "pipe for the config": make_pipe("config.json"),
    "pipe for the tokenizer": make_pipe("tokenizer.json"),
    "device for weights": link("model.safetensors", "/dev/zero"),
    "links in a circle": link("model.safetensors", "model.safetensors"),
    "pickles": only_pickles,
}
# Seen when they are tried.
SEEN_IN_A_TRIAL: dict[str, Callable[[Path], None]] = {
    "template loops": write("chat_template.jinja", LOOPS),
    "template loops in silence": write("chat_template.jinja", SILENT),
    "template grows": write("chat_template.jinja", "{{ 'x' * 3000000000 }}"),
    "template grows by a filter": write("chat_template.jinja", "{{ 'x'|center(3000000000) }}"),
    "template long": write("chat_template.jinja", "{{ 'x' * 3000000 }}"),
    "template of no sense": write("chat_template.jinja", "{% if %}"),
    "tokenizer of zeros": write("tokenizer.json", b"\0" * 1000),
    "tokenizer deep": write("tokenizer.json", "[" * 5_000_000),
    "tokenizer with a bad regex": bad_regex,
}


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model, tmp_path / "model"))


@pytest.fixture(autouse=True)
def _less_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_trial, "WALL_SECONDS", 8.0)


def is_one_sentence(error: ModelUnavailableError) -> bool:
    text = str(error)
    return "\n" not in text and len(text) < 900 and bool(error.why)


@pytest.mark.parametrize("name", SEEN_FROM_OUTSIDE)
def test_a_hostile_folder_is_refused_before_anything_is_loaded(folder: Path, name: str):
    assert model_summary(str(folder)) is not None
    SEEN_FROM_OUTSIDE[name](folder)
    for look in (model_summary, load_base):
        with pytest.raises(ModelUnavailableError) as caught:
            look(str(folder))
        assert is_one_sentence(caught.value)


@pytest.mark.parametrize("name", SEEN_IN_A_TRIAL)
def test_a_hostile_template_or_tokenizer_is_tried_where_it_does_no_harm(folder: Path, name: str):
    SEEN_IN_A_TRIAL[name](folder)
    for load in (load_tokenizer, load_base):
        with pytest.raises(ModelUnavailableError) as caught:
            load(str(folder))
        assert is_one_sentence(caught.value)
    assert not list(folder.parent.glob("PWNED*"))


def test_a_mended_folder_is_tried_again(folder: Path):
    right = (folder / "chat_template.jinja").read_bytes()
    write("chat_template.jinja", "{% if %}")(folder)
    with pytest.raises(ModelUnavailableError):
        load_tokenizer(str(folder))
    write("chat_template.jinja", right)(folder)
    assert load_tokenizer(str(folder)).chat_template


def test_a_template_that_wants_other_messages_is_no_harm(folder: Path):
    write("chat_template.jinja", "{{ raise_exception('System first') }}")(folder)
    assert load_tokenizer(str(folder)).chat_template


def test_loading_has_a_deadline_and_survives_a_panic():
    class PanicException(BaseException):
        """As pyo3 raises it."""

    def panic() -> None:
        raise PanicException("the Rust code has panicked")

    with pytest.raises(RuntimeError, match="panicked"):
        within(10, panic)
    with pytest.raises(TimeoutError, match="not loaded within"):
        within(0.05, lambda: time.sleep(5))
    assert within(10, lambda: 3) == 3
    assert models.LOAD_SECONDS > 60


def test_a_long_name_is_not_echoed():
    with pytest.raises(ModelUnavailableError) as caught:
        model_summary("a/" * 5000)
    assert len(str(caught.value)) < 900
