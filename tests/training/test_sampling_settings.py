"""How a run samples and what it asks: the same in training as everywhere, and told truly."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoTokenizer

from rft_core.config import make_config
from rft_core.errors import ModelUnavailableError
from rft_core.jobs.checks import list_problems, settle_length
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampling_params import SamplingParams
from rft_core.sampling.service.messages import RenderRequest
from rft_core.sampling.service.resident import ResidentModel
from rft_core.sampling.transformers_engine import TransformersEngine
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import metrics_frame, open_run
from rft_core.training.recorded import Recorded
from tests.tiny_model import CHAT_TEMPLATE, make_tiny_model
from tests.tiny_run import add_tiny_run, live_in_process

THINKING = CHAT_TEMPLATE + (
    "{% if add_generation_prompt and enable_thinking is defined and not enable_thinking %}"
    "<think></think>{% endif %}"
)


def test_what_a_template_is_told_is_the_same_in_training_chat_and_preview(
    runs_dir: Path, tmp_path: Path
) -> None:
    model = make_tiny_model(tmp_path / "thinking", chat_template=THINKING)
    told = {"enable_thinking": False}
    config = add_tiny_run(
        runs_dir, model, max_steps=1, eval_steps=0, learning_rate=1e-4, chat_template_kwargs=told
    )
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        trained = {row[0]: row[1] for row in db.execute("SELECT messages, text FROM prompts")}
    tokenizer = AutoTokenizer.from_pretrained(model)
    engine = TransformersEngine("tiny", *load_base(str(model)))
    resident = ResidentModel(runs_dir)
    assert trained
    for messages, text in trained.items():
        asked = json.loads(messages)
        expected = tokenizer.apply_chat_template(
            asked, add_generation_prompt=True, tokenize=False, **told
        )
        assert text == expected and text.endswith("<think></think>")
        assert engine.render(asked, SamplingParams.of(config, 0)).text == text
        request = RenderRequest(model=str(model), prompts=[asked], chat_template_kwargs=told)
        [preview] = resident.render(request, lambda *_: None)
        assert preview.text == text
        assert not engine.render(asked, SamplingParams()).text.endswith("</think>")


@pytest.mark.parametrize("method", ["grpo", "rloo"])
def test_stop_strings_end_completions_in_a_run_and_what_they_end_is_not_masked(
    method: str, runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No completion ends by an end token here: TRL alone would mask every one of them."""
    model = make_tiny_model(tmp_path / "endless", endless=True)
    norms: list[float] = []
    check = Recorded.check_finite

    def keep(self: Recorded, tensors: Any, what: str, ahead: int = 0) -> None:
        if what == "the gradient":
            norms.append(sum(float(p.grad.norm()) for p in self.trained_parameters()))
        check(self, tensors, what, ahead)

    monkeypatch.setattr(Recorded, "check_finite", keep)
    stops = ("e", "t", "a", "o", "s")
    special = list(AutoTokenizer.from_pretrained(model).get_added_vocab().values())
    add_tiny_run(
        runs_dir, model, method=method, max_steps=2, eval_steps=2, max_completion_length=16,
        stop_strings=stops, mask_truncated_completions=True,
        generation_kwargs={"suppress_tokens": special},
        rewards=RewardSet((RewardEntry("long", "length", 1.0, {"target": 12}),), "long"),
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    with open_run(runs_dir, "tiny") as db:
        written = list(iterate_generations(db))
        frame = metrics_frame(db)
    assert {g.truncated for g in written} == {True, False}
    for one in written:
        assert one.truncated is not any(stop in one.completion for stop in stops)
        assert not any(stop in one.completion[:-1] for stop in stops)
    ratios = frame[(frame["name"] == "completions/clipped_ratio") & (frame["split"] == "train")]
    assert 0 < ratios["value"].mean() < 1
    assert not frame["name"].str.contains("terminated").any()
    assert len(norms) == 2 and all(norms)


def test_masked_are_those_that_were_cut_off_and_no_others(
    runs_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rft_core.training.rollouts import Rollouts

    seen: list[tuple[torch.Tensor, int, list[bool]]] = []
    mask = Rollouts._mask_truncated

    def look(self: Any, outputs: Any, truncated: Any) -> None:
        mask(self, outputs, truncated)
        seen.append(
            (outputs["completion_mask"], int(outputs["num_items_in_batch"]), list(truncated))
        )

    monkeypatch.setattr(Rollouts, "_mask_truncated", look)
    model = make_tiny_model(tmp_path / "endless", endless=True)
    add_tiny_run(
        runs_dir, model, max_steps=1, eval_steps=0, max_completion_length=16, loss_type="dapo",
        stop_strings=("e", "t", "a"), mask_truncated_completions=True,
    )  # fmt: skip
    assert live_in_process(runs_dir).outcome == "finished"
    [(masked, count, truncated)] = seen
    assert [not bool(row.any()) for row in masked] == truncated and any(truncated)
    assert count == int(masked.sum()) > 0


def test_fewer_bits_are_refused_with_a_sentence_where_they_cannot_run(
    tiny_model: Path, runs_dir: Path
) -> None:
    """This suite runs without a GPU or without bitsandbytes."""
    from rft_core.hardware import get_hardware
    from rft_core.planning.quantisation import find_obstacle

    if not find_obstacle(has_gpu=bool(get_hardware().gpus)):
        pytest.skip("bitsandbytes can run here")
    for bits in (4, 8):
        field = f"load_in_{bits}bit"
        with pytest.raises(ModelUnavailableError, match=f"in {bits} bits.*bitsandbytes.*{field}"):
            load_base(str(tiny_model), bits=bits)
        config = make_config({field: "true", "task": "countdown", "num_prompts": "64"})
        [problem] = list_problems(runs_dir, config)
        assert problem.where == field and "bitsandbytes" in problem.what and problem.fix


def test_epochs_are_counted_from_the_prompts_that_a_run_will_train_on(runs_dir: Path) -> None:
    config = make_config({"task": "countdown", "num_prompts": "400", "num_train_epochs": "2"})
    settled, told = settle_length(runs_dir, config)
    assert told == "2 epochs of 400 prompts = 100 steps"
    assert settled.max_steps == 100 and settled.num_train_epochs is None
    assert settle_length(runs_dir, settled) == (settled, "")
    nowhere = make_config({"task": "custom", "num_train_epochs": "2"})
    assert settle_length(runs_dir, nowhere) == (nowhere, "")
    assert list_problems(runs_dir, nowhere)
