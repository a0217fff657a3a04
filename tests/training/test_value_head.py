"""The value head in a run of PPO: trained, kept, handed on, and never a part of the adapter."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from rft_core.jobs.pinning import pin_adapter
from rft_core.paths import get_adapter_dir, get_checkpoint_dir, get_initial_adapter_dir
from rft_core.sampling.loading.models import load_base
from rft_core.training.ppo import trainer
from rft_core.training.ppo.trainer import RecordedPPO
from rft_core.training.ppo.value_head import HEAD_FILE, ValueHead, load_value_head
from tests.tiny_run import add_tiny_run, live_in_process


def read_head(runs_dir: Path, run: str, step: int) -> dict[str, torch.Tensor]:
    return load_file(get_checkpoint_dir(runs_dir, run, step) / HEAD_FILE)


def head_is_trained_and_kept(runs_dir: Path, run: str, steps: tuple[int, int]) -> bool:
    """It is in every checkpoint, was zero, and goes on moving."""
    paths = [get_checkpoint_dir(runs_dir, run, step) / HEAD_FILE for step in steps]
    if not all(path.exists() for path in paths):
        return False
    one, other = (load_file(path) for path in paths)
    return all(one[name].any() and not torch.equal(one[name], other[name]) for name in one)


def test_the_head_moves_and_is_in_every_checkpoint_and_the_adapter_is_a_plain_one(
    train_ppo: Any, runs_dir: Path, tiny_model: Path, tmp_path: Path
) -> None:
    train_ppo(max_steps=9, save_steps=3, save_total_limit=1)  # the first two are reduced by the end
    assert head_is_trained_and_kept(runs_dir, "ppo", (3, 9))
    for folder in (get_adapter_dir(runs_dir, "ppo"), get_checkpoint_dir(runs_dir, "ppo", 9)):
        weights = load_file(folder / "adapter_model.safetensors")
        assert weights and all("lora_" in name for name in weights)
        plain = PeftModel.from_pretrained(load_base(str(tiny_model))[0], str(folder))
        named = dict(plain.named_parameters())
        assert any(
            named[name.replace(".weight", ".default.weight")].any()
            for name in weights
            if "lora_B" in name
        )
    assert not (get_adapter_dir(runs_dir, "ppo") / HEAD_FILE).exists()


def forget_head(self: RecordedPPO, model: Any = None) -> Any:
    """Fault: the optimizer never hears of the head."""
    return super(RecordedPPO, self).create_optimizer(model)


@pytest.mark.parametrize(
    "fault",
    [
        (RecordedPPO, "create_optimizer", forget_head),
        (trainer, "save_value_head", lambda *_: None),
    ],
    ids=["not-trained", "not-saved"],
)
def test_a_head_that_is_dropped_would_show(
    train_ppo: Any, runs_dir: Path, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    monkeypatch.setattr(*fault)
    train_ppo(max_steps=4, save_steps=2)
    assert not head_is_trained_and_kept(runs_dir, "ppo", (2, 4))


def test_the_head_has_its_own_rate_on_the_adapters_schedule(
    train_ppo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[list[float]] = []
    clip = RecordedPPO._clip_grad_norm

    def watch(self: RecordedPPO, model: Any) -> Any:
        rates.append([group["lr"] for group in self.optimizer.param_groups])
        assert self.value_head.weight.grad is not None
        return clip(self, model)

    monkeypatch.setattr(RecordedPPO, "_clip_grad_norm", watch)
    for given, factor in ((None, 10), (0.06, 3)):
        rates.clear()
        train_ppo(f"rate-{given}", learning_rate=0.02, value_learning_rate=given, warmup_steps=2)
        assert [group[0] for group in rates] == pytest.approx([0, 0.01, 0.02, 0.02])
        assert [group[-1] for group in rates] == pytest.approx([g[0] * factor for g in rates])


def test_the_heads_gradient_is_cleared_and_clipped_with_the_adapters(
    train_ppo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    norms: list[float] = []
    clip = RecordedPPO._clip_grad_norm

    def watch(self: RecordedPPO, model: Any) -> Any:
        total = clip(self, model)
        every = [p.grad for p in self.trained_parameters() if p.grad is not None]
        assert any(gradient is self.value_head.weight.grad for gradient in every)
        norms.append(float(torch.nn.utils.get_total_norm(every)))
        return total

    monkeypatch.setattr(RecordedPPO, "_clip_grad_norm", watch)
    metrics = train_ppo(max_grad_norm=0.01, learning_rate=1e-9, value_learning_rate=1e-9)
    assert norms == pytest.approx([0.01] * 4, rel=1e-3)
    # The second update of a rollout has the gradient of the first, as nothing has moved.
    assert metrics["grad_norm"][2] == pytest.approx(metrics["grad_norm"][1], rel=1e-4)


def test_a_fork_and_a_stage_begin_with_the_head_they_were_left_and_else_with_zeros(
    train_ppo: Any, tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[torch.Tensor] = []
    attach = RecordedPPO.attach

    def watch(self: RecordedPPO, parts: Any) -> None:
        attach(self, parts)
        first.append(self.value_head.weight.detach().clone())

    monkeypatch.setattr(RecordedPPO, "attach", watch)
    train_ppo("parent", max_steps=4, save_steps=2, save_total_limit=1)
    add_tiny_run(runs_dir, tiny_model, "fork", parent=("parent", 2), method="ppo", max_steps=1)
    pin_adapter(runs_dir, "fork", parent="parent", step=2)  # reduced by now, and all there
    assert live_in_process(runs_dir, "fork").outcome == "finished"
    stages = {"stages": "ppo 2; ppo 2", "save_total_limit": 9}
    add_tiny_run(runs_dir, tiny_model, "stages", **stages, eval_steps=0, save_steps=0)
    assert live_in_process(runs_dir, "stages").outcome == "finished"
    assert not first[0].any() and not first[2].any()
    assert first[1].any() and torch.equal(first[1], read_head(runs_dir, "parent", 2)["weight"])
    assert torch.equal(first[3], read_head(runs_dir, "stages", 2)["weight"])
    empty = ValueHead(32)
    assert not load_value_head(empty, get_initial_adapter_dir(runs_dir, "stages"))


def test_the_head_stays_in_float32_beside_a_model_in_bfloat16(
    train_ppo: Any, runs_dir: Path
) -> None:
    metrics = train_ppo(dtype="bfloat16", save_steps=2)
    assert head_is_trained_and_kept(runs_dir, "ppo", (2, 4))
    head = read_head(runs_dir, "ppo", 4)
    assert all(numbers.dtype == torch.float32 for numbers in head.values())
    assert metrics["value/mean"].dropna().iloc[-1] != 0
