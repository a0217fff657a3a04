"""What may be written next is what transformers' own `generate` would allow, and stops where it
stops: with the tight loop and the ordinary one, alone and in a batch."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import LogitsProcessorList
from transformers.generation.logits_process import (
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from rft_core.config import RunConfig, make_config
from rft_core.errors import BadInputError
from rft_core.sampling.decoding.loop import SampledRow, pick_tokens
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.sampling.stop_strings import StopStrings
from rft_core.sampling.transformers_engine import TransformersEngine
from tests.tiny_model import make_tiny_model

GREEDY = SamplingParams(temperature=0, max_completion_length=40)
PROMPTS = ("What is 2+2?", "a a a a", "Say something about the sea.")
RULES: dict[str, dict[str, Any]] = {
    "repetition_penalty": {"repetition_penalty": 1.3},
    "no_repeat_ngram_size": {"no_repeat_ngram_size": 2},
    "no_repeat_of_single_tokens": {"no_repeat_ngram_size": 1},
    "min_new_tokens": {"min_new_tokens": 30},
    "suppress_tokens": {"suppress_tokens": tuple(range(0, 260, 3))},
    "all": {
        "repetition_penalty": 0.8, "no_repeat_ngram_size": 3, "min_new_tokens": 12,
        "suppress_tokens": (7, 70, 100),
    },
}  # fmt: skip


@pytest.fixture(scope="module", params=[False, True], ids=["ends", "endless"])
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("rules")
    return load_base(str(make_tiny_model(folder, endless=request.param)))


def generate(loaded: Any, prompt: tuple[int, ...], **settings: Any) -> tuple[int, ...]:
    """Transformers' own, greedily."""
    model, tokenizer = loaded
    ids = torch.tensor([prompt])
    written = model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=40,
        pad_token_id=tokenizer.pad_token_id, **settings,
    )  # fmt: skip
    return tuple(written[0, len(prompt) :].tolist())


@pytest.fixture(params=["tight", "ordinary"])
def sample(loaded: Any, request: pytest.FixtureRequest) -> Callable[..., Any]:
    model, tokenizer = loaded

    def run(prompts: Any, params: SamplingParams) -> Any:
        sampler = Sampler(model, get_end_tokens(model, tokenizer), tokenizer=tokenizer)
        if request.param == "ordinary":
            sampler.fused.get = lambda rows: None  # type: ignore[method-assign]
        found = list(sampler.sample([SampledRow(ids, 0) for ids in prompts], params))
        assert request.param == "ordinary" or not sampler.fused.refused
        return found

    return run


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES)
def test_greedy_completions_under_a_rule_are_those_of_generate(
    rules: dict[str, Any], loaded: Any, sample: Any
) -> None:
    prompts = [tuple(loaded[1](text)["input_ids"]) for text in PROMPTS]
    settings = {k: list(v) if isinstance(v, tuple) else v for k, v in rules.items()}
    expected = [generate(loaded, prompt, **settings) for prompt in prompts]
    assert expected != [generate(loaded, prompt) for prompt in prompts] or "min" in str(rules)
    assert [one.ids for one in sample(prompts, replace(GREEDY, **rules))] == expected


@pytest.mark.parametrize("spread", ["one token", "several tokens", "none"])
def test_a_completion_ends_where_generate_ends_it_and_keeps_the_stop_string(
    spread: str, loaded: Any, sample: Any
) -> None:
    _, tokenizer = loaded
    prompts = [tuple(tokenizer(text)["input_ids"]) for text in PROMPTS]
    # In plain letters: half a character has no name that one could stop at.
    odd = [token for token in range(256) if not tokenizer.decode([token]).isascii()]
    whole = [tokenizer.decode(generate(loaded, ids, suppress_tokens=odd)) for ids in prompts]
    width = {"one token": 1, "several tokens": 3, "none": 0}[spread]
    stops = tuple(text[5 : 5 + width] for text in whole[:2]) if width else ("never said",)
    expected = [
        generate(loaded, ids, stop_strings=list(stops), tokenizer=tokenizer, suppress_tokens=odd)
        for ids in prompts
    ]
    params = replace(GREEDY, stop_strings=stops, suppress_tokens=tuple(odd))
    found = sample(prompts, params)
    assert [one.ids for one in found] == expected
    for one in found:
        text = tokenizer.decode(one.ids)
        is_stopped = any(stop in text for stop in stops)
        assert one.ended is (is_stopped or one.ids[-1] == tokenizer.eos_token_id)
        assert not any(stop in tokenizer.decode(one.ids[:-1]) for stop in stops)
    assert any(one.ended for one in found) or not width


@pytest.mark.parametrize(
    "settings",
    [{"min_p": 0.1}, {"min_p": 0.3, "temperature": 2.0}, {"min_p": 1.0},
     {"min_p": 0.2, "top_k": 6, "top_p": 0.9, "temperature": 0.7}],
)  # fmt: skip
def test_the_distribution_after_min_p_is_transformers(settings: dict[str, Any]) -> None:
    params, draws = SamplingParams(**settings), 20_000
    logits = torch.randn(1, 12, generator=torch.Generator().manual_seed(3)) * 2
    uniforms = (torch.arange(draws) + 0.5) / draws
    tokens, _ = pick_tokens(logits.expand(draws, -1), uniforms, params)
    warpers = LogitsProcessorList([TemperatureLogitsWarper(params.temperature)])
    if params.top_k:
        warpers += [TopKLogitsWarper(params.top_k), TopPLogitsWarper(params.top_p)]
    warpers.append(MinPLogitsWarper(params.min_p))
    expected = warpers(torch.zeros(1, 1, dtype=torch.long), logits.clone()).softmax(dim=-1)[0]
    found = tokens.bincount(minlength=12) / draws
    assert (found - expected).abs().max() < 2 / draws
    assert (expected == 0).any()


def test_a_stop_string_is_found_across_tokens_and_as_a_special_token(tmp_path: Path) -> None:
    _, tokenizer = load_base(str(make_tiny_model(tmp_path)))
    ids = tokenizer("one é two<|user|>three", add_special_tokens=False)["input_ids"]
    for stop, ends_after in (("é t", "one é t"), ("<|user|>", "one é two<|user|>"), ("e", "one")):
        stops = StopStrings(tokenizer, (stop, "not there"))
        first = next(n for n in range(1, len(ids) + 1) if stops.end(ids[:n]))
        assert tokenizer.decode(ids[:first]) == ends_after
    assert not StopStrings(tokenizer, ("four",)).end(ids) and not StopStrings(tokenizer, ()).end([])


def test_a_completion_that_a_stop_string_ended_is_not_truncated(tmp_path: Path) -> None:
    engine = TransformersEngine("tiny", *load_base(str(make_tiny_model(tmp_path, endless=True))))
    ask = [[{"role": "user", "content": "hello"}]]
    params = SamplingParams(max_completion_length=30, seed=2)
    [(_, [whole])] = engine.sample(ask, 1, params)
    assert whole.truncated
    [(_, [cut])] = engine.sample(ask, 1, replace(params, stop_strings=(whole.text[3:5],)))
    assert not cut.truncated and cut.text == whole.text[: whole.text.index(whole.text[3:5]) + 2]


def test_a_runs_sampling_is_one_value_and_no_setting_is_left_out() -> None:
    config = make_config(
        {
            "temperature": 0.7, "top_p": 0.9, "top_k": 5, "max_completion_length": 9,
            "min_p": 0.1, "repetition_penalty": 1.1, "stop_strings": '["\\n", "a,b"]',
            "generation_kwargs": "min_new_tokens=2, no_repeat_ngram_size=4",
            "chat_template_kwargs": "enable_thinking=false",
        }
    )  # fmt: skip
    params = SamplingParams.of(config, seed=3)
    assert params.stop_strings == ("\n", "a,b")
    assert (params.min_new_tokens, params.no_repeat_ngram_size) == (2, 4)
    default = SamplingParams()
    same = [n for n in params.__dict__ if getattr(params, n) == getattr(default, n)]
    assert same == ["suppress_tokens"]
    suppressing = SamplingParams.of(
        RunConfig(generation_kwargs={"suppress_tokens": [3]}, stop_strings=("x",)), 0
    )
    assert suppressing.vllm_extras == {
        "stop": ["x"], "include_stop_str_in_output": True, "logit_bias": {3: -100.0},
    }  # fmt: skip


def test_sampling_settings_that_cannot_be_used_are_named() -> None:
    with pytest.raises(BadInputError, match=r"min_p.*repetition_penalty.*stop string"):
        SamplingParams(min_p=2, repetition_penalty=0, stop_strings=("",))
