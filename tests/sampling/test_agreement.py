"""What is wrong in the tight loop is found out, in 32 bits and in 16; what is right is believed."""

import logging
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model

from rft_core.sampling.adapters import BASE
from rft_core.sampling.decoding import fused_models, fusing
from rft_core.sampling.decoding.agreement import require_agreement
from rft_core.sampling.decoding.fused_reader import FusedReader
from rft_core.sampling.decoding.fusing import fuse
from rft_core.sampling.sampler import Sampler
from tests.sampling.known_shapes import ENDS, SHAPES, adapt, make_model, make_rows, sample, train


def test_a_fresh_adapter_is_not_believed_before_it_does_something(calls: dict[str, int]):
    model = get_peft_model(make_model(SHAPES["llama"]), LoraConfig(target_modules=["q_proj"]))
    sampler, rows = Sampler(model.eval(), ENDS), make_rows("default")
    for _ in range(8):
        sample(sampler, rows)
    assert calls["require_agreement"] == 4  # at the 1st call, the 2nd, the 4th and the 8th
    train(model, 0)
    for _ in range(8):
        sample(sampler, rows)
    assert calls["require_agreement"] == 5


DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["32", "16"])


def disturb(part: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    right = getattr(FusedReader, part)

    def wrong(self: FusedReader, tensor: torch.Tensor, *rest: Any) -> torch.Tensor:
        return right(self, tensor * factor, *rest)

    monkeypatch.setattr(FusedReader, part, wrong)


def leave_out_adapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused_models, "fuse", lambda model, adapter: fuse(model, BASE))


@DTYPES
@pytest.mark.parametrize("fault", ["_turn", "_attend", "adapter left out"])
def test_a_loop_that_is_wrong_is_found_out_on_first_use(
    fault: str,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    model, rows = adapt(make_model(SHAPES["qwen2"], dtype)), make_rows()
    with monkeypatch.context() as patch:
        patch.setattr(fusing, "KNOWN", ())
        expected = sample(Sampler(model, ENDS), rows)  # the ordinary loop's
    if fault == "adapter left out":
        leave_out_adapters(monkeypatch)
    else:  # a fiftieth is beyond doubt in 32 bits, and little more than rounding in 16
        disturb(fault, 1.02 if dtype == torch.float32 else 1.2, monkeypatch)
    sampler = Sampler(model, ENDS)
    with caplog.at_level(logging.INFO):
        assert sample(sampler, rows) == sample(sampler, rows) == expected
    assert "off by" in sampler.fused.refused["tuned"]
    assert len(caplog.records) == 1 and "ordinary loop" in caplog.text


@DTYPES
def test_an_adapter_smaller_than_rounding_is_used_and_looked_at_until_it_can_be_told(
    dtype: torch.dtype, calls: dict[str, int]
):
    model, rows = adapt(make_model(SHAPES["llama"], dtype)), make_rows()
    scale_adapter(model, 1e-7 if dtype == torch.float32 else 1e-4)
    sampler = Sampler(model, ENDS)
    for _ in range(5):
        sample(sampler, rows)
    assert calls["require_agreement"] == 3  # at the 1st call, the 2nd and the 4th
    train(model, 0)
    for _ in range(5):
        sample(sampler, rows)
    assert calls["require_agreement"] == 4 and not sampler.fused.refused


@DTYPES
def test_an_adapter_left_out_is_missed_even_where_it_is_within_the_limit(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
):
    model, rows = adapt(make_model(SHAPES["llama"], dtype)), make_rows()
    scale_adapter(model, 5e-4 if dtype == torch.float32 else 0.05)
    require_agreement(model, fuse(model, BASE), rows)  # it is
    sampler = Sampler(model, ENDS)
    sample(sampler, rows)
    assert not sampler.fused.refused
    leave_out_adapters(monkeypatch)
    sampler = Sampler(model, ENDS)
    sample(sampler, rows)
    assert "what the adapter does" in sampler.fused.refused["tuned"]


@DTYPES
def test_an_adapter_left_out_while_it_was_small_is_missed_once_it_has_grown(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
):
    model, rows = adapt(make_model(SHAPES["llama"], dtype)), make_rows()
    leave_out_adapters(monkeypatch)
    sampler = Sampler(model, ENDS)
    scale_adapter(model, 1e-7 if dtype == torch.float32 else 1e-3)  # less than rounding
    sample(sampler, rows)
    assert not sampler.fused.refused
    train(model, 0)
    sample(sampler, rows)
    assert "off by" in sampler.fused.refused["tuned"]


def scale_adapter(model: Any, factor: float) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.mul_(factor)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_16_bits_the_loop_is_believed_and_the_model_left_alone(shape: str, dtype: torch.dtype):
    model = adapt(make_model(SHAPES[shape], dtype))
    sampler = Sampler(model, ENDS)
    for adapter in ("tuned", BASE):
        sample(sampler, make_rows(adapter))
    assert not sampler.fused.refused
    assert not any(module._forward_hooks for module in model.modules())
