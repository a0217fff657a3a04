"""The engine on a tiny random model: determinism, adapters, streaming, stopping."""

from pathlib import Path

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from rft_core.errors import BadInputError, ModelUnavailableError
from rft_core.sampling import transformers_engine
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.service.messages import Lane, LaneDone, SamplingParams, TextDelta
from rft_core.sampling.transformers_engine import TransformersEngine
from rft_core.types import Completion
from tests.tiny_model import make_tiny_adapter

PROMPTS = [
    [{"role": "user", "content": text}]
    for text in ("Hello", "A much longer prompt, for the padding.", "né 🙂")
]
PARAMS = SamplingParams(max_completion_length=20, seed=3)
GREEDY = SamplingParams(max_completion_length=20, temperature=0)


def make_engine(folder: Path, *, ends_often: bool = False, rows_per_batch: int = 64):
    model, tokenizer = load_base(str(folder))
    if ends_often:  # a random model hardly ever says its end token
        model.generation_config.eos_token_id = list(range(0, 256, 8))
    return TransformersEngine(str(folder), model, tokenizer, rows_per_batch)


@pytest.fixture(scope="module")
def engine(tiny_model: Path) -> TransformersEngine:
    return make_engine(tiny_model)


def sample(engine, prompts, n, params, adapter=None) -> list[list[Completion]]:
    groups = dict(engine.sample(prompts, n, params, adapter))
    return [groups[at] for at in range(len(prompts))]


def token_ids(groups) -> list[list[tuple[int, ...]]]:
    return [[completion.token_ids for completion in group] for group in groups]


def greedy_by_transformers(model, engine, messages) -> tuple[int, ...]:
    prompt = torch.tensor([engine.render(messages, PARAMS).token_ids])
    output = model.generate(prompt, do_sample=False, max_new_tokens=20)
    return tuple(output[0, prompt.shape[1] :].tolist())


@pytest.mark.parametrize("rows_per_batch", [1, 2, 64])
def test_a_completion_does_not_depend_on_the_rest_of_the_batch(
    tiny_model: Path, engine, rows_per_batch: int
):
    alone = [token_ids(sample(engine, [prompt], 4, PARAMS))[0] for prompt in PROMPTS]
    batched = make_engine(tiny_model, rows_per_batch=rows_per_batch)
    assert token_ids(sample(batched, PROMPTS, 4, PARAMS)) == alone


def test_rows_that_end_early_leave_the_others_unchanged(tiny_model: Path):
    ends_often = make_engine(tiny_model, ends_often=True)
    together = sample(ends_often, PROMPTS, 8, PARAMS)
    assert len({len(completion.token_ids) for group in together for completion in group}) > 3
    one_by_one = make_engine(tiny_model, ends_often=True, rows_per_batch=1)
    assert token_ids(sample(one_by_one, PROMPTS, 8, PARAMS)) == token_ids(together)


def test_truncated_means_that_no_end_token_came(tiny_model: Path):
    for group in sample(make_engine(tiny_model, ends_often=True), PROMPTS, 8, PARAMS):
        for completion in group:
            *inside, last = completion.token_ids
            assert all(token % 8 for token in inside if token < 256)
            assert completion.truncated == (len(completion.token_ids) == 20 and last % 8 != 0)


def test_samples_of_a_group_and_other_seeds_differ(engine):
    first = token_ids(sample(engine, PROMPTS[:1], 4, PARAMS))[0]
    assert len(set(first)) == 4
    other = SamplingParams(max_completion_length=20, seed=4)
    assert token_ids(sample(engine, PROMPTS[:1], 4, other))[0] != first


def test_greedy_equals_transformers_own(tiny_model: Path, engine):
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype="float32")
    for messages, [completion] in zip(PROMPTS, sample(engine, PROMPTS, 1, GREEDY), strict=True):
        assert completion.token_ids == greedy_by_transformers(model, engine, messages)


def test_the_tuned_lane_equals_a_merged_model(tiny_model: Path, engine, adapters: list[Path]):
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype="float32")
    merged = PeftModel.from_pretrained(base, adapters[0]).merge_and_unload()
    for messages in PROMPTS:
        expected = greedy_by_transformers(merged, engine, messages)
        [[sampled]] = sample(engine, [messages], 1, GREEDY, adapters[0])
        lanes = [Lane("base"), Lane("tuned", adapters[0])]
        streamed = run_stream(engine, messages, lanes, GREEDY)["tuned"]
        assert sampled.token_ids == streamed.token_ids == expected


def run_stream(engine, messages, lanes, params) -> dict[str, Completion]:
    """The lanes' completions, after checking that the deltas join to their texts."""
    texts = {lane.label: "" for lane in lanes}
    done = {}
    for item in engine.stream(messages, lanes, params):
        if isinstance(item, TextDelta):
            texts[item.lane] += item.text
        elif isinstance(item, LaneDone):
            done[item.lane] = item.completion
    assert texts == {label: completion.text for label, completion in done.items()}
    return done


def test_streaming_gives_what_sampling_gives(tiny_model: Path, adapters: list[Path]):
    engine = make_engine(tiny_model, ends_often=True)
    lanes = [Lane("base"), Lane("one", adapters[0]), Lane("two", adapters[1])]
    for messages in PROMPTS:
        done = run_stream(engine, messages, lanes, PARAMS)
        for lane in lanes:
            [[sampled]] = sample(engine, [messages], 1, PARAMS, lane.adapter)
            assert done[lane.label].token_ids == sampled.token_ids
            assert done[lane.label].logprob == pytest.approx(sampled.logprob, abs=1e-3)
        assert len({completion.token_ids for completion in done.values()}) == 3


@pytest.mark.parametrize("seconds", [0.0, 1e9], ids=["each token", "at the end"])
def test_text_is_told_at_once_and_then_by_time(
    engine, adapters: list[Path], monkeypatch: pytest.MonkeyPatch, seconds: float
):
    monkeypatch.setattr(transformers_engine, "SECONDS_BETWEEN_DELTAS", seconds)
    lanes = [Lane("base"), Lane("tuned", adapters[0])]
    told: list[tuple[str, int]] = []
    lengths = dict.fromkeys(("base", "tuned"), 0)
    for event in engine.stream(PROMPTS[0], lanes, PARAMS):
        if isinstance(event, TextDelta):
            told.append((event.lane, event.num_tokens))
        else:
            lengths[event.lane] = len(event.completion.token_ids)
    assert 1 < min(lengths.values()) < max(lengths.values())
    steps = range(1, 21) if seconds == 0 else sorted({1, *lengths.values()})
    assert told == [(lane, step) for step in steps for lane in lengths if step <= lengths[lane]]


def test_adapters_leave_the_base_as_it_was(tiny_model: Path, adapters: list[Path]):
    engine = make_engine(tiny_model)
    before = token_ids(sample(engine, PROMPTS, 2, PARAMS))
    weights = load_base(str(tiny_model))[0].state_dict()
    sample(engine, PROMPTS, 2, PARAMS, adapters[0])
    run_stream(engine, PROMPTS[0], [Lane("base"), Lane("tuned", adapters[1])], PARAMS)
    assert token_ids(sample(engine, PROMPTS, 2, PARAMS)) == before
    now = engine._adapters.model.state_dict()
    for name, weight in weights.items():
        wrapped = f"base_model.model.{name}"
        layer = wrapped.replace(".weight", ".base_layer.weight")
        assert torch.equal(now[layer if layer in now else wrapped], weight)


def test_an_interrupted_sample_puts_the_base_weights_back(tiny_model: Path, adapters: list[Path]):
    engine = make_engine(tiny_model)
    before = token_ids(sample(engine, PROMPTS, 1, PARAMS))
    steps = []

    def interrupt() -> None:
        steps.append(None)
        if len(steps) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(engine.sample(PROMPTS, 1, PARAMS, adapters[0], interrupt))
    assert len(steps) == 3
    assert token_ids(sample(engine, PROMPTS, 1, PARAMS)) == before


def test_the_longest_unused_adapter_is_forgotten(tiny_model: Path, tmp_path: Path):
    engine = make_engine(tiny_model)
    folders = [make_tiny_adapter(tiny_model, tmp_path / str(i), seed=i) for i in range(6)]
    first = token_ids(sample(engine, PROMPTS[:1], 1, PARAMS, folders[0]))
    for folder in folders:
        sample(engine, PROMPTS[:1], 1, PARAMS, folder)
    assert engine.adapters == tuple(str(folder) for folder in folders[2:])
    assert token_ids(sample(engine, PROMPTS[:1], 1, PARAMS, folders[0])) == first
    lanes = [Lane(folder.name, folder) for folder in folders]
    assert len(run_stream(engine, PROMPTS[0], lanes, PARAMS)) == 6


def test_an_adapter_saved_again_is_loaded_again(tiny_model: Path, tmp_path: Path):
    engine = make_engine(tiny_model)
    folder = make_tiny_adapter(tiny_model, tmp_path, seed=1)
    before = token_ids(sample(engine, PROMPTS, 1, PARAMS, folder))
    make_tiny_adapter(tiny_model, tmp_path, seed=2)
    assert token_ids(sample(engine, PROMPTS, 1, PARAMS, folder)) != before


def test_a_missing_or_foreign_adapter_is_explained(engine, tiny_model: Path, tmp_path: Path):
    with pytest.raises(ModelUnavailableError, match="no adapter in"):
        sample(engine, PROMPTS, 1, PARAMS, tmp_path / "none")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelUnavailableError, match="could not be loaded"):
        sample(engine, PROMPTS, 1, PARAMS, tmp_path)
    assert sample(engine, PROMPTS, 1, PARAMS)


def test_a_prompt_that_does_not_fit_is_refused_before_anything_runs(engine):
    with pytest.raises(BadInputError, match="2048 positions"):
        next(engine.sample(PROMPTS, 1, SamplingParams(max_completion_length=2048)))


def test_settings_out_of_range_are_named():
    with pytest.raises(BadInputError, match=r"top_p must be .*; seed must be"):
        SamplingParams(top_p=0, seed=-1)


def test_reading_a_completion_gives_each_token_what_sampling_said_of_it(
    tiny_model: Path, adapters: list[Path]
):
    engine = make_engine(tiny_model)
    [[written]] = sample(engine, PROMPTS[:1], 1, PARAMS, adapters[0])
    prompt = engine.render(PROMPTS[0], PARAMS).text
    read = engine.read_tokens(prompt, written.text, adapters[0])
    alone = engine.read_tokens(prompt, written.text)
    assert "".join(read.pieces) == written.text
    if len(read.pieces) == len(written.token_ids):  # the text may be spelt in other tokens
        assert sum(read.logprobs) == pytest.approx(written.logprob, abs=1e-3)
    assert read.base_logprobs == alone.logprobs == alone.base_logprobs
    assert read.logprobs != alone.logprobs
    vocabulary = engine._tokenizer.vocab_size + 64
    assert all(0 < entropy <= torch.tensor(float(vocabulary)).log() for entropy in read.entropies)
    assert engine.read_tokens(prompt, "", adapters[0]).pieces == ()
