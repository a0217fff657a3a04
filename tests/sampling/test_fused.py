"""The tight loop: transformers' logits, the ordinary loop's tokens, and what it leaves to that."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    MistralConfig,
    Qwen2Config,
)

from rft_core.sampling.adapters import BASE
from rft_core.sampling.decoding import fusing
from rft_core.sampling.decoding.agreement import measure_difference
from rft_core.sampling.decoding.fused_models import FusedModels
from rft_core.sampling.decoding.fused_reader import FusedReader, Norm
from rft_core.sampling.decoding.fusing import CannotFuseError, fuse
from rft_core.sampling.decoding.loop import SampledRow, close_gaps, decode
from rft_core.sampling.decoding.plain_reader import PlainReader
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.settings import MOST_COPIED, SETS_KEPT, count_copied_bytes
from tests.sampling.known_shapes import (
    ENDS,
    PARAMS,
    PROMPTS,
    SHAPES,
    SIZES,
    YARN,
    adapt,
    make_model,
    make_rows,
    sample,
    train,
)  # fmt: skip


@pytest.mark.parametrize("copies", [True, False], ids=["joined", "in place"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_logits_are_transformers_own(shape: str, copies: bool, monkeypatch: pytest.MonkeyPatch):
    model = adapt(make_model(SHAPES[shape]))
    monkeypatch.setattr(fusing, "MOST_COPIED", copies * 2**30)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    tuned, base = fuse(model, "tuned"), fuse(model, BASE)
    assert measure_difference(model, tuned, make_rows()) < 1e-5
    assert measure_difference(model, base, make_rows(BASE)) < 1e-5
    assert measure_difference(model, base, make_rows()) > 0.1
    assert bool(tuned.copied_bytes) == bool(base.copied_bytes) == copies
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_16_bits_an_adapter_too_small_to_be_added_still_counts(dtype: torch.dtype):
    model = adapt(make_model(SHAPES["llama"], dtype))
    assert measure_difference(model, fuse(model, "tuned"), make_rows()) < 0.1
    query = model.base_model.model.model.layers[0].self_attn.q_proj
    x = torch.tensor([[1.0, -1.0] * 24], dtype=dtype)
    with torch.no_grad():
        query.base_layer.weight.fill_(1)  # beside which 1e-4 is nothing
        query.lora_A["tuned"].weight.copy_(x * 1e-2)
        query.lora_B["tuned"].weight.fill_(1e-3)
        joined = fuse(model, "tuned").layers[0].qkv
        assert torch.equal(joined(x)[:, :48], query(x))
        assert query(x).abs().min() > 1e-3 and not query.base_layer(x).any()


def test_a_norm_is_the_models_even_where_there_is_nothing_to_divide_by():
    weight, x = torch.rand(48), torch.stack([torch.randn(48), torch.zeros(48)])
    expected = torch.nn.functional.rms_norm(x, (48,), weight, 1e-6)
    assert torch.allclose(Norm.of(weight, 1e-6)(x), expected, atol=1e-6)


@pytest.mark.parametrize("adapter", ["tuned", BASE, None])
def test_both_loops_give_the_same_tokens(adapter: str | None):
    model = adapt(make_model(SHAPES["qwen3"]))
    rows = make_rows(adapter)
    tight = list(decode(FusedReader(fuse(model, adapter)), rows, PARAMS, ENDS))
    plain = list(decode(PlainReader(model), rows, PARAMS, ENDS))
    assert len({len(step) for step in tight}) > 4  # rows have left, at several lengths
    for ours, theirs in itertools.zip_longest(tight, plain):
        assert [token.token_id for token in ours] == [token.token_id for token in theirs]
        assert [token.row for token in ours] == [token.row for token in theirs]
        logprobs = [token.logprob for token in theirs]
        assert [token.logprob for token in ours] == pytest.approx(logprobs, abs=1e-4)


def test_a_long_text_outgrows_a_block_of_the_cache_unharmed():
    model = make_model(SHAPES["llama"])
    rows, params = make_rows(None, 1), SamplingParams(max_completion_length=150)
    never: frozenset[int] = frozenset()
    tight = list(decode(FusedReader(fuse(model, None)), rows, params, never))
    plain = list(decode(PlainReader(model), rows, params, never))
    assert [[t.token_id for t in s] for s in tight] == [[t.token_id for t in s] for s in plain]


def test_the_prompt_of_a_group_is_read_once(monkeypatch: pytest.MonkeyPatch):
    shapes = []
    read = FusedReader._read

    def watch(self: FusedReader, ids: torch.Tensor, *rest: Any) -> torch.Tensor:
        shapes.append(tuple(ids.shape))
        return read(self, ids, *rest)

    monkeypatch.setattr(FusedReader, "_read", watch)
    reader = FusedReader(fuse(make_model(SHAPES["llama"]), None))
    list(decode(reader, make_rows(None, 8), PARAMS, frozenset()))
    assert shapes[:2] == [(3, 41), (24, 1)]


def test_rows_that_go_on_fill_the_gaps_from_the_end():
    assert close_gaps([False] * 4) == [0, 1, 2, 3]
    assert close_gaps([False, True, False, True, False]) == [0, 4, 2]
    assert close_gaps([True, True, False]) == [2]
    for pattern in itertools.product([False, True], repeat=6):
        kept = close_gaps(pattern)
        assert sorted(kept) == [at for at, ended in enumerate(pattern) if not ended]
        moved = [place for at, place in enumerate(kept) if at != place]
        assert len(moved) <= sum(pattern)


def test_training_is_sampled_with_the_weights_of_the_moment(calls: dict[str, int]):
    model = adapt(make_model(SHAPES["llama"]))
    sampler = Sampler(model, ENDS)
    first = sample(sampler, make_rows())
    second = sample(Sampler(train(model, 1), ENDS), make_rows())
    assert sample(sampler, make_rows()) == second != first
    assert calls == {"fuse": 3, "require_agreement": 2}


def test_weights_that_do_not_change_are_taken_apart_once(calls: dict[str, int]):
    model = adapt(make_model(SHAPES["llama"]))
    sampler = Sampler(model, ENDS, keeps_weights=True)
    lanes = [SampledRow(PROMPTS[0], 0, name) for name in (BASE, "tuned")]
    forwards = []
    first = list(sampler.stream(lanes, PARAMS))
    handle = model.get_base_model().register_forward_hook(lambda *_: forwards.append(1))
    assert list(sampler.stream(lanes, PARAMS)) == first
    handle.remove()
    assert not forwards  # PEFT's mixed batch, or any other call of the model
    assert calls == {"fuse": 2, "require_agreement": 2}
    alone = [sample(sampler, [row])[0] for row in lanes]
    streamed = [tuple(t.token_id for step in first for t in step if t.row == at) for at in (0, 1)]
    assert streamed == alone and alone[0] != alone[1]


def test_no_more_weights_are_kept_than_the_service_counts_on():
    assert count_copied_bytes("transformers", 10) == 20
    assert count_copied_bytes("transformers", 10**12) == SETS_KEPT * MOST_COPIED
    assert count_copied_bytes("vllm", 10) == 0
    model = adapt(make_model(SHAPES["llama"]))
    model.add_adapter("second", LoraConfig(r=4, target_modules=["q_proj"]))
    kept = FusedModels(model, keeps=True)
    for name in ("tuned", "second", BASE):
        assert kept.get(make_rows(name))
    assert list(kept._kept) == ["second", BASE]
    assert kept.get([SampledRow(PROMPTS[0], 0, name) for name in ("tuned", "second", BASE)])
    assert set(kept._kept) == {"tuned", "second", BASE}  # all of them are in use


def quantise(model: Any) -> Any:
    class Quantised(torch.nn.Linear):
        """What such libraries put in a layer's place."""

    for layer in model.model.layers:
        layer.mlp.up_proj.__class__ = Quantised
    return model


UNKNOWN = {
    "another architecture": lambda: make_model(MistralConfig(**SIZES)),
    "a window": lambda: make_model(
        Qwen2Config(**SIZES, use_sliding_window=True, sliding_window=16, max_window_layers=1)
    ),
    "rotations by length": lambda: make_model(
        LlamaConfig(**SIZES, rope_parameters={**YARN, "rope_type": "dynamic"})
    ),
    "another activation": lambda: make_model(LlamaConfig(**SIZES, hidden_act="gelu")),
    "quantised": lambda: quantise(make_model(SHAPES["llama"])),
    "mixed types": lambda: make_model(SHAPES["llama"]).apply(
        lambda module: module.half() if "Norm" in type(module).__name__ else module
    ),
    "DoRA": lambda: adapt(make_model(SHAPES["llama"]), use_dora=True),
    "more than LoRA": lambda: adapt(make_model(SHAPES["llama"]), modules_to_save=["lm_head"]),
    "biases learned": lambda: adapt(make_model(SHAPES["biases"]), lora_bias=True),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_it_does_not_know_is_left_to_the_ordinary_loop(case: str):
    with pytest.raises(CannotFuseError):
        fuse(UNKNOWN[case](), None)


def test_a_merged_or_mixed_adapter_is_left_to_the_ordinary_loop(
    tiny_model: Path, adapters: list[Path]
):
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    model = PeftModel.from_pretrained(base, adapters[0], adapter_name="one").eval()
    model.load_adapter(adapters[1], adapter_name="two")
    model.base_model.set_adapter(["one", "two"])
    with pytest.raises(CannotFuseError, match="several"):
        fuse(model, None)
    with model.disable_adapter():
        assert measure_difference(model, fuse(model, None), [SampledRow((5, 6), 0)]) < 1e-5
    model.set_adapter("two")
    assert measure_difference(model, fuse(model, None), [SampledRow((5, 6), 0)]) < 1e-5
    model.merge_adapter(["two"])
    with pytest.raises(CannotFuseError, match="merged"):
        fuse(model, None)
