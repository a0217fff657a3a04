"""The folder that benchmarks are given where no real model of that shape is at hand."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from benchmarks.random_model import make_random_qwen2
from tests.tiny_model import make_tiny_model

SMOLLM2_WORDS = 49_152


def test_it_is_the_published_shape_with_the_tokenizer_of_the_folder(tmp_path: Path) -> None:
    source = make_tiny_model(tmp_path / "tiny")
    count = make_random_qwen2(source, tmp_path / "made")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "made")
    given, kept = (AutoTokenizer.from_pretrained(at) for at in (source, tmp_path / "made"))
    text = "<|user|>Add 1 and 2.<|end|>"
    assert kept.chat_template == given.chat_template
    assert kept(text)["input_ids"] == given(text)["input_ids"]
    assert model.config.eos_token_id == given.eos_token_id
    assert model.config.model_type == "qwen2"
    with_smollm2 = count + (SMOLLM2_WORDS - len(given)) * model.config.hidden_size
    assert round(with_smollm2 / 1e6, 1) == 31.5


def test_it_is_the_same_one_again(tmp_path: Path) -> None:
    source = make_tiny_model(tmp_path / "tiny")
    for name in ("one", "two"):
        make_random_qwen2(source, tmp_path / name)
    one, two = (AutoModelForCausalLM.from_pretrained(tmp_path / name) for name in ("one", "two"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
