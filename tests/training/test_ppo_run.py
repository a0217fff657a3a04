"""PPO as a run on a real, tiny model: its first update, its alignment, and what it learns."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from rft_core.config import get_method, make_config
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import events_frame, open_run
from rft_core.training.ppo import token_advantages, trainer
from rft_core.training.ppo.trainer import RecordedPPO
from rft_core.training.update import shared_prompt
from rft_core.training.update.prompt_sharing import PromptSharing
from tests.tiny_model import make_tiny_model

# Both are seen in the text as it is written: how long it is so far, and what it began with.
SHORT = RewardSet((RewardEntry("short", "length", 1.0, {"target": 1, "unit": "tokens"}),), "short")
DIGIT = RewardSet((RewardEntry("digit", "regex", 1.0, {"pattern": "^[0-9]"}),), "digit")


@pytest.fixture
def rollouts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every rollout as it is trained on: its tensors, and the batch that was scored."""
    seen: list[dict[str, Any]] = []
    find = RecordedPPO.find_advantages

    def watch(self: RecordedPPO, outputs: dict[str, Any], batch: Any) -> list[float]:
        means = find(self, outputs, batch)
        seen.append({**outputs, "batch": batch, "means": means})
        return means

    monkeypatch.setattr(RecordedPPO, "find_advantages", watch)
    return seen


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "plain"])
def test_at_the_first_update_of_a_rollout_the_ratio_is_one_and_nothing_is_clipped(
    train_ppo: Any, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    """On a LoRA model whose adapter has moved, at a temperature that is not 1."""
    if not shared:
        monkeypatch.setattr(PromptSharing, "works_for", lambda *_: False)
    metrics = train_ppo(temperature=0.7, max_steps=8, num_iterations=2, warmup_steps=0)
    for first in (1, 3, 5, 7):
        assert metrics["ratio/mean"][first] == pytest.approx(1, abs=1e-5)
        assert metrics["clip_ratio/region_mean"][first] == 0
        assert metrics["value/clip_fraction"][first] == 0
    assert all(abs(metrics["ratio/mean"][second] - 1) > 1e-4 for second in (4, 6, 8))
    assert abs(metrics["kl"][1]) < 1e-9 and metrics["kl"][7] > 1e-4


def test_shared_and_plain_passes_train_alike(
    train_ppo: Any, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2, "beta": 0.05}
    shared = train_ppo("shared", learning_rate=1e-3, **cut)
    monkeypatch.setattr(PromptSharing, "works_for", lambda *_: False)
    plain = train_ppo("plain", learning_rate=1e-3, **cut)
    for name in ("policy_loss", "value/loss", "value/mean", "kl/sequence", "grad_norm"):
        assert shared[name].dropna().tolist() == pytest.approx(
            plain[name].dropna().tolist(), rel=1e-3, abs=1e-5
        )
    assert not read_events(runs_dir, "shared")


@pytest.mark.parametrize(("rows", "passes"), [(4, 2), (2, 4)])
def test_how_a_step_is_cut_into_passes_changes_nothing(
    train_ppo: Any, rows: int, passes: int
) -> None:
    same = {"learning_rate": 1e-3, "num_iterations": 2, "beta": 0.05}
    whole = train_ppo("whole", per_device_train_batch_size=8, **same)
    cut = train_ppo(
        "cut", per_device_train_batch_size=rows, gradient_accumulation_steps=passes, **same
    )
    for name in ("policy_loss", "value/loss", "value/mean", "kl/sequence", "grad_norm", "reward"):
        assert cut[name].dropna().tolist() == pytest.approx(
            whole[name].dropna().tolist(), rel=1e-3, abs=1e-5
        )


def test_what_a_tool_answered_is_not_the_policys_own() -> None:
    mask = torch.tensor([[1, 1, 1, 1, 0]])
    written = torch.tensor([[1, 0, 0, 1, 1]])
    own = trainer._own_tokens({"completion_mask": mask, "tool_mask": written})
    assert own.tolist() == [[1, 0, 0, 1, 0]]
    assert trainer._own_tokens({"completion_mask": mask}).tolist() == mask.tolist()


def read_events(runs_dir: Path, run: str) -> list[str]:
    with open_run(runs_dir, run) as db:
        return list(events_frame(db)["message"])


# --- Alignment -----------------------------------------------------------------------------------


def read_states(model: Any, rows: Any) -> torch.Tensor:
    """[rows, columns of completions, width]: of each token the state that it was chosen in, read
    alone and without any padding."""
    states = torch.zeros(*rows.completion_mask.shape, 32)
    for at in range(len(rows.ids)):
        own = rows.mask[at].bool()
        seen = model.get_base_model().base_model(input_ids=rows.ids[at][own][None])
        prompt, length = int(rows.mask[at, : rows.start].sum()), int(rows.mask[at].sum())
        states[at, : length - prompt] = seen.last_hidden_state[0, prompt - 1 : length - 1]
    return states


def values_are_of_the_state_before(made: Any, rows: Any, *, shared: bool) -> bool:
    read = made._sharing.score if shared else made.read_plainly
    with torch.no_grad():
        values = read(made.model, rows).values
        right = made.value_head(read_states(made.model, rows)) * rows.completion_mask
    return torch.allclose(values, right, atol=1e-5)


@pytest.fixture
def made(train_ppo: Any, rollouts: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A trainer that has trained, and a rollout of it."""
    kept: list[Any] = []
    make = trainer.make_trainer
    monkeypatch.setattr(trainer, "make_trainer", lambda parts: kept.append(make(parts)) or kept[0])
    train_ppo(num_generations=2, seed=3)
    torch.nn.init.normal_(kept[0].value_head.weight)
    yield kept[0], trainer._rows(rollouts[-1])


def test_a_token_has_the_value_of_the_state_before_it_in_both_passes_and_a_fault_would_show(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, rows = made
    for shared in (True, False):
        assert values_are_of_the_state_before(method, rows, shared=shared)
    read = shared_prompt._read_completions

    def read_late(*args: Any) -> torch.Tensor:
        """Off by one: the state that has seen the token itself, which would learn all the same."""
        return torch.cat([seen := read(*args), seen[:, -1:]], dim=1)[:, 1:]

    monkeypatch.setattr(shared_prompt, "_read_completions", read_late)
    assert not values_are_of_the_state_before(method, rows, shared=True)


# --- What is learned from ------------------------------------------------------------------------


def test_the_end_token_is_learned_from_where_it_is_the_padding_too(
    train_ppo: Any, rollouts: list[dict[str, Any]], tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    folder = make_tiny_model(tmp_path / "model", seed=2)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(folder)
    rules = {"rewards": SHORT, "max_completion_length": 40, "per_device_train_batch_size": 64}
    train_ppo(model=folder, max_steps=1, beta=0.0, **rules)
    (rollout,) = rollouts
    batch, mask = rollout["batch"], rollout["loss_mask"]
    assert 0 < sum(batch.truncated) < len(batch.truncated)  # some ended, some were cut off
    assert mask.sum(dim=1).tolist() == [len(ids) for ids in batch.completion_ids]
    # Nothing is promised yet, and lambda is 0.95: the return of the last token is the score.
    last = mask.sum(dim=1).long() - 1
    returns = rollout["returns"][torch.arange(len(mask)), last]
    assert returns.tolist() == pytest.approx([sample.reward for sample in batch.samples])


def test_what_nobody_could_score_is_not_learned_from(
    train_ppo: Any, rollouts: list[dict[str, Any]], runs_dir: Path
) -> None:
    source = (
        "def half(completions, **columns):\n"
        "    return [None if n % 2 else float(n) for n in range(len(completions))]\n"
    )
    half = RewardSet((RewardEntry("half", "python", source=source),), "half")
    train_ppo(rewards=half, max_steps=1, missing_eos_penalty=0.25, beta=0.0)
    rollout = rollouts[0]
    counts = rollout["loss_mask"].sum(dim=1).tolist()
    lengths = [len(ids) for ids in rollout["batch"].completion_ids]
    assert counts == [0 if n % 2 else length for n, length in enumerate(lengths)]
    assert int(rollout["num_items_in_batch"]) == sum(counts)
    assert not rollout["advantages"][1::2].any() and not rollout["returns"][1::2].any()
    for at in range(0, len(lengths), 2):
        score = at - 0.25 * rollout["batch"].truncated[at]
        assert float(rollout["returns"][at, lengths[at] - 1]) == pytest.approx(score)
    with open_run(runs_dir, "ppo") as db:
        stored = sorted(iterate_generations(db), key=lambda g: (g.group_index, g.sample_index))
    assert [g.reward for g in stored] == [None if n % 2 else n for n in range(len(lengths))]
    assert [g.advantage for g in stored] == pytest.approx(rollout["means"])


def test_kl_is_in_the_advantages_and_not_in_the_stored_reward(
    train_ppo: Any, rollouts: list[dict[str, Any]]
) -> None:
    train_ppo(beta=0.3, max_steps=6)
    for rollout in rollouts:
        kl = rollout["old_per_token_logps"] - rollout["ref_per_token_logps"]
        scores = torch.tensor([sample.reward for sample in rollout["batch"].samples])
        mask = rollout["loss_mask"]
        rewards = token_advantages.token_rewards(scores, kl, mask, 0.3)
        found = token_advantages.estimate_advantages(
            rewards, rollout["old_values"], mask, gamma=1.0, lam=0.95
        )
        torch.testing.assert_close(rollout["returns"], found.returns)
        white = rollout["advantages"][mask.bool()]
        assert float(white.mean()) == pytest.approx(0, abs=1e-5)
        assert float(white.std(correction=0)) == pytest.approx(1, abs=1e-4)
    assert kl.abs().max() > 1e-3


def test_completions_one_by_one_are_enough_and_dropout_is_refused(train_ppo: Any) -> None:
    metrics = train_ppo(num_generations=1, num_iterations=1, max_steps=2).dropna(axis=1, how="all")
    assert "frac_reward_zero_std" not in metrics
    method = get_method("ppo")
    shown = {panel.metric for panel in (*method.policy_panels, *method.optimisation_panels)}
    assert shown - {"step_time"} <= set(metrics)
    with pytest.raises(BadInputError, match="lora_dropout: ppo does not use it"):
        make_config({"method": "ppo", "lora_dropout": "0.1"})
    assert make_config({"stages": "sft 2; ppo 2", "lora_dropout": "0.1"})


# --- Learning ------------------------------------------------------------------------------------


def test_values_begin_with_the_mean_of_the_first_rollout(train_ppo: Any, rollouts: Any) -> None:
    metrics = train_ppo(max_steps=4, num_iterations=2, warmup_steps=0)
    first, second = (rollouts[at]["old_values"] for at in (0, 1))
    assert first.unique().numel() <= 2  # one value, and nothing in the padding
    rewards = [sample.reward for sample in rollouts[0]["batch"].samples]
    lengths = rollouts[0]["loss_mask"].sum(dim=1)
    mean = (torch.tensor(rewards) * lengths).sum() / lengths.sum()
    assert metrics["value/mean"][1] == pytest.approx(float(mean), abs=1e-5)
    assert second.unique().numel() > 2


@pytest.mark.parametrize("method", ["ppo", "grpo", "rloo"])
def test_the_reward_rises(train_ppo: Any, method: str) -> None:
    metrics = train_ppo(
        method=method, rewards=DIGIT, max_steps=32, per_device_train_batch_size=32,
        learning_rate=0.01, beta=0.0,
    )  # fmt: skip
    reward = metrics["reward"].dropna()
    noise = 3 * float(reward.iloc[:4].std()) / 4**0.5
    assert reward.iloc[-4:].mean() > reward.iloc[:4].mean() + max(noise, 0.3)


def test_values_foresee_a_return_that_can_be_seen(train_ppo: Any) -> None:
    """What two of the five prompts are answered with is right, whatever it is."""
    source = (
        "def seen(question, **columns):\n    return [float(q in ('q1', 'q3')) for q in question]"
    )
    seen = RewardSet((RewardEntry("seen", "python", source=source),), "seen")
    metrics = train_ppo(
        rewards=seen, max_steps=40, num_iterations=4, per_device_train_batch_size=32,
        max_completion_length=3, learning_rate=0.02, value_learning_rate=0.03, vf_coef=1.0,
        beta=0.0,
    )  # fmt: skip
    explained = metrics["value/explained_variance"].dropna()
    assert explained.iloc[0] == 0  # all values are zero
    assert explained.iloc[-3:].mean() > 0.3
    assert metrics["value/loss"].iloc[-8:].mean() < 0.5 * metrics["value/loss"].iloc[:8].mean()
