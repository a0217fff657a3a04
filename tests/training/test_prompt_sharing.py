"""Prompts shared in a run: the update is TRL's own, and TRL makes it where ours cannot be right."""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import pytest
import torch
from trl.trainer.grpo_config import GRPOConfig

from rft_core.config import get_method, trl_settings
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.run_reader import events_frame, metrics_frame, open_run
from rft_core.training import rollouts
from rft_core.training.recorded import Recorded
from rft_core.training.update import prompt_sharing
from rft_core.training.update.prompt_sharing import PromptSharing
from tests.tiny_run import add_tiny_run, live_in_process

# Most groups are alike in it: a tiny random model seldom writes a digit.
SELDOM = RewardSet((RewardEntry("digit", "regex", 1.0, {"pattern": "[0-3]"}),), "seldom")


@dataclass
class Watched:
    """Of a run: the gradient of each step, whole, and how its passes were made."""

    gradients: list[torch.Tensor] = field(default_factory=list)
    rows_with_gradient: list[int] = field(default_factory=list)
    rows_without: list[int] = field(default_factory=list)
    metrics: dict[tuple[int, str], float] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)


@pytest.fixture
def train(tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Train two steps, with prompts shared or as TRL does it."""

    def run(name: str, *, shared: bool, model: Path = tiny_model, **settings: Any) -> Watched:
        watched = Watched()
        with monkeypatch.context() as patch:
            watch(patch, watched)
            if not shared:
                patch.setattr(PromptSharing, "works_for", lambda *_: False)
                patch.setattr(rollouts, "put_groups_together", list)
            add_tiny_run(
                runs_dir, model, name,
                **{"max_steps": 2, "eval_steps": 0, "learning_rate": 1e-4, **settings},
            )  # fmt: skip
            assert live_in_process(runs_dir, name).outcome == "finished"
        with open_run(runs_dir, name) as db:
            frame = metrics_frame(db)
            watched.events = events_frame(db)["message"].tolist()
        frame = frame[frame["name"] != "step_time"]
        watched.metrics = dict(
            zip(zip(frame["step"], frame["name"], strict=True), frame["value"], strict=True)
        )
        return watched

    return run


def watch(patch: pytest.MonkeyPatch, watched: Watched) -> None:
    check, score = Recorded.check_finite, prompt_sharing.score_completions

    def keep_gradient(self: Recorded, tensors: Any, what: str, ahead: int = 0) -> None:
        if what == "the gradient":
            every = [p.grad.flatten() for p in self.trained_parameters() if p.grad is not None]
            watched.gradients.append(torch.cat(every).clone())
        check(self, tensors, what, ahead)

    def count(model: Any, rows: Any, *more: Any, **named: Any) -> Any:
        with_gradient = torch.is_grad_enabled()
        (watched.rows_with_gradient if with_gradient else watched.rows_without).append(
            len(rows.ids)
        )
        return score(model, rows, *more, **named)

    patch.setattr(Recorded, "check_finite", keep_gradient)
    patch.setattr(prompt_sharing, "score_completions", count)


ACCUMULATED = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4}
# Some of these completions have no advantage, and nothing beside them in their batch.
ONE_BY_ONE = {
    "per_device_train_batch_size": 1, "gradient_accumulation_steps": 8, "rewards": SELDOM,
}  # fmt: skip
CASES = {
    "grpo-cut-off": {**ACCUMULATED, "num_iterations": 2, "max_completion_length": 3},
    "dapo": {"loss_type": "dapo", "num_generations": 16, "per_device_train_batch_size": 16},
    "bnpo": {**ACCUMULATED, "loss_type": "bnpo", "num_generations": 2},
    "rloo": {**ACCUMULATED, "method": "rloo", "num_iterations": 2, "rewards": SELDOM},
    "gspo-without-truncated": {
        **ACCUMULATED,
        "importance_sampling_level": "sequence",
        "num_iterations": 2,
        "beta": 0,
        "mask_truncated_completions": True,
    },
    "entropy-bonus": {
        **ACCUMULATED,
        "loss_type": "cispo",
        "epsilon_high": 5,
        "entropy_coef": 0.1,
        "beta": 0,
        "top_entropy_quantile": 0.5,
    },
    "grpo-one-by-one": {**ONE_BY_ONE, "beta": 0},
    "rloo-one-by-one": {**ONE_BY_ONE, "method": "rloo"},
}


@pytest.mark.parametrize("settings", CASES.values(), ids=CASES)
def test_gradients_and_metrics_of_a_run_are_those_of_trls_own_update(
    train: Any, settings: dict[str, Any]
) -> None:
    ours = train("shared", shared=True, **settings)
    theirs = train("dense", shared=False, **settings)
    assert len(ours.gradients) == len(theirs.gradients) == 2
    for one, other in zip(ours.gradients, theirs.gradients, strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm()
        assert other.norm() > 0
    assert ours.rows_with_gradient and not theirs.rows_with_gradient
    assert not ours.events and not theirs.events
    assert ours.metrics.keys() == theirs.metrics.keys()
    for key, value in ours.metrics.items():
        # TRL shows the mean of its batches' means, and the batches are other ones.
        tolerance = 1e-2 if key[1] in ("entropy", "kl") and len(ours.rows_with_gradient) > 2 else 0
        assert value == pytest.approx(theirs.metrics[key], rel=tolerance, abs=1e-5), key


def test_completions_without_advantage_are_read_without_gradient_where_nothing_else_pulls(
    train: Any,
) -> None:
    """Two groups a step, most of them alike: the gradient is the same, and so is what is shown."""
    settings = {"max_steps": 4, "seed": 1, "rewards": SELDOM, "num_generations": 4}
    ours = train("shared", shared=True, beta=0, **settings)
    theirs = train("dense", shared=False, beta=0, **settings)
    for one, other in zip(ours.gradients, theirs.gradients, strict=True):
        assert (one - other).norm() <= 1e-5 * other.norm()
    assert ours.metrics == pytest.approx(theirs.metrics, abs=1e-5)
    alike = [ours.metrics[step, "frac_reward_zero_std"] for step in range(1, 5)]
    assert 1.0 in alike and min(alike) < 1.0
    # Of a step that teaches nothing one row is left, for a gradient of zeros.
    assert ours.rows_with_gradient == [round(8 * (1 - share)) or 1 for share in alike]
    # The first batch is scored both ways, and so is the first after the adapter has moved: the
    # learning rate begins at zero.
    moved = next(step for step in (2, 3, 4) if alike[step - 1] < 1)
    expected = [
        rows
        for step, with_gradient in enumerate(ours.rows_with_gradient, start=1)
        for rows in ([8] if step in (1, moved + 1) else []) + [8 - with_gradient]
        if rows
    ]
    assert ours.rows_without == expected
    with_kl = train("with-kl", shared=True, beta=0.1, **settings)
    assert with_kl.rows_with_gradient == [8] * 4
    assert with_kl.rows_without == [8] * 6  # two trials, and a reference pass a step


def test_entropy_pulls_at_completions_by_entropy_coef_alone() -> None:
    """Only where that is set do shared prompts give entropies with a gradient."""
    defaults = {field.name: field.default for field in fields(GRPOConfig)}
    assert defaults["use_adaptive_entropy"] is False
    assert "use_adaptive_entropy" not in trl_settings(get_method("grpo"))
    assert not any("entropy" in name for name in trl_settings(get_method("rloo")))


def test_a_model_with_a_sliding_window_trains_as_trl_does_and_says_so(
    train: Any, tiny_model: Path, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

    folder = tmp_path / "sliding"
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, max_window_layers=1, sliding_window=4,
        use_sliding_window=True, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, initializer_range=0.3,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    run = train("sliding", shared=True, model=folder, max_steps=1)
    assert not run.rows_with_gradient and run.gradients[0].norm() > 0
    (told,) = run.events
    assert "anew for each completion" in told and "attend to everything" in told


@pytest.mark.parametrize("is_embedded", [False, True], ids=["tiny", "embedded"])
def test_a_run_in_bfloat16_shares_its_prompts(
    is_embedded: bool, train: Any, tiny_model: Path
) -> None:
    """The second trial is that of the third step, the first with an adapter that has moved."""
    model = "embedded/countdown" if is_embedded else tiny_model
    settings = {"learning_rate": 1e-2, "max_completion_length": 40, "max_steps": 3}
    run = train("coarse", shared=True, model=model, dtype="bfloat16", **settings)
    assert run.rows_with_gradient == [8] * 3 and run.rows_without == [8] * 5
    assert not run.events


def test_gradient_checkpointing_trains_as_trl_does_and_says_so(train: Any) -> None:
    run = train("checkpointing", shared=True, gradient_checkpointing=True, max_steps=1)
    assert not run.rows_with_gradient and run.gradients[0].norm() > 0
    assert "gradient checkpointing" in run.events[0]
