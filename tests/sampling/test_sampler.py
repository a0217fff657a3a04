"""The one sampler: what a row is given, how its adapter runs, and how it leaves a model."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import PeftModel

from rft_core.errors import RftError
from rft_core.sampling import adapters as adapters_module
from rft_core.sampling.adapters import BASE
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams

PROMPTS = ((65, 66, 67), (70,), (65, 66, 67))
PARAMS = SamplingParams(max_completion_length=12, seed=5)
NO_END: frozenset[int] = frozenset()


@pytest.fixture(autouse=True, params=["tight", "ordinary"])
def loop(request: pytest.FixtureRequest) -> str:
    """Whatever holds here holds for both loops."""
    if request.param == "ordinary":
        request.getfixturevalue("no_tight_loop")
    return request.param


@pytest.fixture
def tuned(tiny_model: Path, adapters: list[Path]) -> PeftModel:
    base, _ = load_base(str(tiny_model))
    return PeftModel.from_pretrained(base, adapters[0], adapter_name="tuned").eval()


def make_rows(adapter: str | None = None, first: int = 0) -> list[SampledRow]:
    return [SampledRow(prompt, first + at, adapter) for at, prompt in enumerate(PROMPTS)]


def sample(model: Any, rows: list[SampledRow], end: frozenset[int] = NO_END, **kwargs: Any):
    return list(Sampler(model, end, **kwargs).sample(rows, PARAMS))


def test_a_row_gets_its_tokens_their_log_probabilities_and_how_it_ended(tuned: PeftModel):
    for sampled in sample(tuned, make_rows()):
        assert len(sampled.ids) == len(sampled.logprobs) == 12
        assert not sampled.ended
    end = frozenset(range(0, 256, 4))
    ended = [s for s in sample(tuned, make_rows(), end) if s.ended]
    assert ended
    assert all(s.ids[-1] in end and not end & set(s.ids[:-1]) for s in ended)


def test_the_same_prompt_with_another_index_has_other_luck(tuned: PeftModel):
    first, _, third = sample(tuned, make_rows())
    assert first.ids != third.ids
    rank_0, rank_1 = sample(tuned, make_rows()), sample(tuned, make_rows(first=len(PROMPTS)))
    assert not {s.ids for s in rank_0} & {s.ids for s in rank_1}


@pytest.mark.parametrize("size", [1, 2, None])
def test_how_many_rows_run_together_changes_no_token(tuned: PeftModel, size: int | None):
    alone = [sample(tuned, [row])[0].ids for row in make_rows("tuned")]
    assert [s.ids for s in sample(tuned, make_rows("tuned"), rows_per_batch=size)] == alone


def test_one_adapter_for_all_rows_is_merged_and_the_weights_come_back(
    tuned: PeftModel, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    before = {name: value.clone() for name, value in tuned.state_dict().items()}
    merged = sample(tuned, make_rows("tuned"))
    after = tuned.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    monkeypatch.setattr(adapters_module, "can_merge", lambda *_: False)
    unmerged = sample(tuned, make_rows("tuned"))
    assert [s.ids for s in unmerged] == [s.ids for s in merged]
    for a, b in zip(merged, unmerged, strict=True):
        assert a.logprobs == pytest.approx(b.logprobs, abs=1e-3)
    base, (bare, _) = sample(tuned, make_rows(BASE)), load_base(str(tiny_model))
    assert [s.ids for s in base] != [s.ids for s in merged]
    assert [s.ids for s in base] == [s.ids for s in sample(bare, make_rows())]


def test_rows_of_several_adapters_get_what_each_would_get_alone(tuned: PeftModel):
    mixed = [SampledRow(PROMPTS[0], 0, name) for name in ("tuned", BASE)]
    alone = [sample(tuned, [row])[0].ids for row in mixed]
    assert [s.ids for s in sample(tuned, mixed)] == alone


def test_sampling_leaves_a_model_in_training_as_it_was(tiny_model: Path, adapters: list[Path]):
    base, _ = load_base(str(tiny_model))
    model = PeftModel.from_pretrained(base, adapters[0], adapter_name="tuned", is_trainable=True)
    model.train()
    trainable = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trainable

    def stop(num_tokens: int) -> None:
        assert not model.training
        if num_tokens == 3:
            raise KeyboardInterrupt

    sample(model, make_rows("tuned"))
    with pytest.raises(KeyboardInterrupt):
        list(Sampler(model, NO_END).sample(make_rows("tuned"), PARAMS, stop))
    assert model.training
    assert {name for name, p in model.named_parameters() if p.requires_grad} == trainable
    assert not any(p.is_inference() for p in model.parameters())


def test_a_model_of_nans_is_an_error_and_not_the_last_token(tiny_model: Path):
    base, _ = load_base(str(tiny_model))
    with torch.no_grad():
        base.get_output_embeddings().weight.fill_(float("nan"))
    for params in (PARAMS, SamplingParams(temperature=0)):
        with pytest.raises(RftError, match="no numbers"):
            list(Sampler(base, NO_END).sample(make_rows(), params))


def test_no_rows_are_no_tokens(tuned: PeftModel):
    assert sample(tuned, []) == []


def test_what_ends_a_completion_is_declared_by_the_model_or_by_the_tokenizer():
    def ends(declared: object, eos: int | None) -> frozenset[int]:
        model = SimpleNamespace(generation_config=SimpleNamespace(eos_token_id=declared))
        return get_end_tokens(model, SimpleNamespace(eos_token_id=eos, pad_token_id=9))

    assert ends([1, 2], 3) == {1, 2, 3}
    assert ends(1, 1) == {1}
    assert ends(None, 3) == {3}
    assert ends(None, None) == frozenset()
    assert get_end_tokens(SimpleNamespace(), SimpleNamespace(eos_token_id=4)) == {4}
