"""Picking tokens: the distribution, its truncations, and whose luck it is."""

import numpy as np
import torch

from rft_core.sampling.decoding.loop import SampledRow, make_row_rng, pick_tokens
from rft_core.sampling.service.messages import SamplingParams

LOGITS = torch.log(torch.tensor([0.5, 0.1, 0.25, 0.15]))


def frequencies(params: SamplingParams, draws: int = 20_000) -> list[float]:
    uniforms = torch.rand(draws, generator=torch.Generator().manual_seed(0))
    tokens, _ = pick_tokens(LOGITS.repeat(draws, 1), uniforms, params)
    return (torch.bincount(tokens, minlength=4) / draws).tolist()


def test_tokens_come_as_often_as_the_model_says():
    assert np.allclose(frequencies(SamplingParams()), [0.5, 0.1, 0.25, 0.15], atol=0.01)


def test_temperature_sharpens_the_distribution():
    squared = np.array([0.5, 0.1, 0.25, 0.15]) ** 2
    expected = squared / squared.sum()
    assert np.allclose(frequencies(SamplingParams(temperature=0.5)), expected, atol=0.01)


def test_top_k_keeps_the_k_likeliest():
    assert np.allclose(frequencies(SamplingParams(top_k=2)), [2 / 3, 0, 1 / 3, 0], atol=0.01)


def test_top_p_keeps_the_smallest_set_that_has_the_mass():
    assert np.allclose(frequencies(SamplingParams(top_p=0.7)), [2 / 3, 0, 1 / 3, 0], atol=0.01)
    assert frequencies(SamplingParams(top_p=0.3)) == [1, 0, 0, 0]


def test_temperature_zero_takes_the_likeliest_token_whatever_the_luck():
    tokens, logprobs = pick_tokens(
        LOGITS.repeat(3, 1), torch.tensor([0.0, 0.5, 0.999]), SamplingParams(temperature=0)
    )
    assert tokens.tolist() == [0, 0, 0]
    assert np.allclose(logprobs, np.log(0.5))


def test_the_log_probability_is_the_models_own_before_temperature_and_top_k():
    params = SamplingParams(temperature=0.3, top_k=1)
    _, logprobs = pick_tokens(LOGITS[None], torch.tensor([0.7]), params)
    assert np.allclose(logprobs, np.log(0.5))


def test_luck_belongs_to_seed_prompt_and_index_but_not_to_the_adapter():
    def luck(seed: int, row: SampledRow) -> float:
        return make_row_rng(seed, row).random()

    here = luck(0, SampledRow((1, 2), 0))
    assert luck(0, SampledRow((1, 2), 0, adapter="adapter-1")) == here
    elsewhere = [
        luck(1, SampledRow((1, 2), 0)),
        luck(0, SampledRow((2, 1), 0)),
        luck(0, SampledRow((1, 2), 1)),
    ]
    assert len({here, *elsewhere}) == 4


def test_a_uniform_number_rounded_up_to_one_takes_no_token_outside_the_distribution():
    rounded = torch.tensor([1 - 2**-26])
    assert rounded.item() == 1.0  # which is what float32 makes of it
    logits = torch.cat([LOGITS, torch.full((3,), -torch.inf)])[None]
    for params in (SamplingParams(), SamplingParams(top_k=2), SamplingParams(top_p=0.7)):
        tokens, logprobs = pick_tokens(logits, rounded, params)
        assert tokens.item() == (3 if params == SamplingParams() else 2)
        assert torch.isfinite(logprobs).all()
