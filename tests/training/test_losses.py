"""Every loss of TRL's, with prompts shared: loss and gradient are those of the dense pass."""

from collections.abc import Callable
from itertools import product
from typing import Any, get_args

import pytest
import torch

from rft_core.config import RunConfig, make_config
from rft_core.training.grpo import RecordedGRPO
from rft_core.training.update.prompt_sharing import PromptSharing
from tests.training.test_methods import make_gold_prompts, make_parts  # noqa: F401  # a fixture

LOSSES = get_args(RunConfig.model_fields["loss_type"].annotation)
LEVELS = get_args(RunConfig.model_fields["importance_sampling_level"].annotation)
START, LONGEST, GROUPS, SIZE = 7, 9, 3, 4

Make = Callable[..., RecordedGRPO]


@pytest.fixture
def make_trainer(make_parts: Any) -> Make:  # noqa: F811
    from rft_core.training.run_session import make_stage_trainer

    def make(**settings: Any) -> RecordedGRPO:
        trainer: Any = make_stage_trainer(make_parts(make_gold_prompts(), [], **settings))
        trainer.current_gradient_accumulation_steps = 1
        torch.manual_seed(0)
        for name, weight in trainer.model.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(weight, std=0.2)
        trainer.model.double()  # in float32 some machines round both passes apart
        return trainer.model.train() and trainer

    return make


def make_batch(trainer: RecordedGRPO, *, masked: bool, seed: int = 0) -> dict[str, torch.Tensor]:
    """Groups with completions of 1 to 9 tokens, ratios on both sides of 1, one group that is alike.

    `masked`: the longest were cut off, and are out of the loss as TRL takes them out.
    """
    rng = torch.Generator().manual_seed(seed)
    rows = GROUPS * SIZE
    prompts = torch.randint(5, 200, (GROUPS, START), generator=rng).repeat_interleave(SIZE, dim=0)
    completions = torch.randint(5, 200, (rows, LONGEST), generator=rng)
    lengths = torch.randint(1, LONGEST + 1, (rows,), generator=rng)
    mask = (torch.arange(LONGEST) < lengths[:, None]).long()
    if masked:
        mask = mask * (lengths < LONGEST - 2)[:, None]
    advantages = torch.randn(rows, generator=rng)
    advantages[SIZE : 2 * SIZE] = 0
    ids = torch.cat([prompts, completions], dim=1)
    every = torch.cat([torch.ones_like(prompts), mask], dim=1)
    with torch.no_grad():
        logps, _, _ = trainer._get_per_token_logps_and_entropies(trainer.model, ids, every, LONGEST)
    noise = torch.randn((2, *logps.shape), generator=rng) * 0.4
    return {
        "prompt_ids": prompts, "prompt_mask": torch.ones_like(prompts),
        "completion_ids": completions, "completion_mask": mask, "advantages": advantages,
        "old_per_token_logps": logps + noise[0], "ref_per_token_logps": logps + noise[1],
        "num_items_in_batch": mask.sum(),
    }  # fmt: skip


def measure(trainer: RecordedGRPO, batch: Any) -> tuple[torch.Tensor, torch.Tensor]:
    trainer.model.zero_grad()
    loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    return loss.detach(), torch.cat([p.grad.flatten() for p in trainer.trained_parameters()])


def assert_shared_is_dense(
    trainer: RecordedGRPO, batch: Any, monkeypatch: pytest.MonkeyPatch
) -> torch.Tensor:
    ours = measure(trainer, batch)
    with monkeypatch.context() as patch:
        patch.setattr(PromptSharing, "works_for", lambda *_: False)
        theirs = measure(trainer, batch)
    assert theirs[1].norm() > 0
    assert abs(ours[0] - theirs[0]) <= 1e-5 * abs(theirs[0]) + 1e-7
    assert (ours[1] - theirs[1]).norm() <= 1e-5 * theirs[1].norm()
    return ours[1]


@pytest.mark.parametrize("beta", [0.0, 0.05])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "truncated-masked"])
def test_every_loss_and_level_is_that_of_the_dense_pass(
    make_trainer: Make, beta: float, masked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(beta=beta, epsilon_high=1.2)
    batch = make_batch(trainer, masked=masked)
    gradients = []
    for loss, level in product(LOSSES, LEVELS):
        trainer.loss_type, trainer.importance_sampling_level = loss, level
        gradients.append(assert_shared_is_dense(trainer, batch, monkeypatch))
    distinct: list[torch.Tensor] = []
    for one in gradients:
        if all((one - other).norm() > 1e-3 * one.norm() for other in distinct):
            distinct.append(one)
    # In one batch dapo is bnpo, and vespo weighs sequences at either level (but for its KL term).
    assert len(gradients) == 16 and len(distinct) == (14 if beta else 13)


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"top_entropy_quantile": 0.3}, "some"),
        ({"entropy_coef": 0.2}, "all"),
        ({"entropy_coef": 0.2, "top_entropy_quantile": 0.3, "beta": 0.05}, "all"),
    ],
    ids=["quantile", "bonus", "both"],
)
def test_entropy_masks_and_the_entropy_bonus_are_those_of_the_dense_pass(
    make_trainer: Make, settings: Any, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a bonus, completions without advantage teach as well."""
    trainer, plain = make_trainer(**{"beta": 0.0, **settings}), make_trainer(beta=0.0)
    for masked in (False, True):
        batch = make_batch(trainer, masked=masked)
        gradient = assert_shared_is_dense(trainer, batch, monkeypatch)
        assert (gradient - measure(plain, batch)[1]).norm() > 1e-2 * gradient.norm()
        batch["advantages"] = torch.zeros_like(batch["advantages"])
        assert bool(measure(trainer, batch)[1].any()) is (kept == "all")


def test_what_depends_on_the_batch_is_left_in_trls_batches(make_trainer: Make) -> None:
    dependent = [{"loss_type": "bnpo"}, {"entropy_coef": 0.1}, {"top_entropy_quantile": 0.5}]
    assert all(make_trainer(**settings)._depends_on_batch for settings in dependent)
    assert not any(make_trainer(loss_type=loss)._depends_on_batch for loss in LOSSES[2:])


def test_make_config_knows_every_loss_of_the_installed_trl() -> None:
    import inspect
    import re

    from trl.trainer.grpo_config import GRPOConfig

    told = (inspect.getdoc(GRPOConfig) or "").partition("loss_type (")[2]
    assert set(LOSSES) == set(re.findall(r'- `"(\w+)"`', told.partition("mask_truncated")[0]))
    assert all(make_config({"loss_type": loss}).loss_type == loss for loss in LOSSES)
