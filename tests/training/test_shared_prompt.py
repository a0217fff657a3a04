"""Prompts read once give the numbers and the gradients of prompts read for every completion."""

import inspect
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import add_fused_lm_head

from rft_core.training.update import prompt_sharing, shared_prompt, token_logprobs
from rft_core.training.update.prompt_sharing import PromptSharing, put_groups_together
from rft_core.training.update.shared_prompt import (
    PaddedRows,
    cut_by_length,
    find_obstacle,
    score_completions,
)
from rft_core.training.update.token_logprobs import TokenReading, score_tokens

TEMPERATURE = 0.7
SHAPES = ((LlamaForCausalLM, LlamaConfig), (Qwen2ForCausalLM, Qwen2Config))
START, LONGEST = 9, 12


def make_model(
    shape: Any = SHAPES[0], attention: str = "sdpa", lora: dict[str, Any] | None = None, **more: Any
) -> Any:
    """A tiny model with an adapter that says something, and with TRL's head."""
    torch.manual_seed(0)
    make, configure = shape
    config = configure(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, initializer_range=0.3, **more,
    )  # fmt: skip
    base = make(config)
    base.set_attn_implementation(attention)
    add_fused_lm_head(base, temperature=TEMPERATURE, outputs=("log_probs", "entropy"))
    settings = {"r": 4, "lora_alpha": 8, "target_modules": "all-linear", **(lora or {})}
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model.train()


def make_rows(num_prompts: int, num_generations: int, seed: int = 0) -> PaddedRows:
    """Groups in a shuffled batch; prompts of 1 to 9 tokens, completions of 1 to 12."""
    rng = torch.Generator().manual_seed(seed)
    count = num_prompts * num_generations
    ids = torch.randint(60, (count, START + LONGEST), generator=rng)
    ids[:, :START] = ids[:num_prompts, :START].repeat_interleave(num_generations, dim=0)
    prompt_lengths = torch.randint(1, START + 1, (num_prompts,), generator=rng)
    begins = START - prompt_lengths.repeat_interleave(num_generations)
    ends = START + torch.randint(1, LONGEST + 1, (count,), generator=rng)
    ends[0] = START + LONGEST  # cut off where the room ends
    at = torch.arange(START + LONGEST)
    mask = ((at >= begins[:, None]) & (at < ends[:, None])).long()
    order = torch.randperm(count, generator=rng)
    return PaddedRows((ids * mask)[order], mask[order], START)


def score_densely(model: Any, rows: PaddedRows) -> TokenReading:
    """As TRL itself."""
    trainer = SimpleNamespace(accelerator=SimpleNamespace(autocast=nullcontext))
    score = inspect.unwrap(GRPOTrainer._get_per_token_logps_and_entropies)
    scored = score(trainer, model, rows.ids, rows.mask, LONGEST, compute_entropy=True)
    return TokenReading(scored[0], scored[1])


def measure(model: Any, rows: PaddedRows, scored: TokenReading) -> Any:
    """Log probabilities, entropies and the adapter's gradient of a loss over the tokens."""
    model.zero_grad()
    logprobs, entropies = (numbers * rows.completion_mask for numbers in scored[:2])
    (logprobs * torch.sin(torch.arange(logprobs.numel()).view(logprobs.shape))).sum().backward()
    gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.requires_grad])
    return logprobs.detach(), entropies.detach(), gradient


@pytest.mark.parametrize("shape", SHAPES, ids=["llama", "qwen2"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_numbers_and_lora_gradients_are_those_of_the_dense_way(
    shape: Any, attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(shape, attention)
    assert not find_obstacle(model)
    for cost in (4, 1000):  # in many chunks, and in one
        monkeypatch.setattr(shared_prompt, "cost_of_a_chunk", lambda states, cost=cost: cost)
        for num_prompts, num_generations in ((1, 2), (3, 4), (2, 16), (5, 1)):
            rows = make_rows(num_prompts, num_generations, seed=num_prompts)
            theirs = measure(model, rows, score_densely(model, rows))
            ours = measure(model, rows, score_completions(model, rows, TEMPERATURE))
            for one, other in zip(ours, theirs, strict=True):
                assert (one - other).norm() <= 1e-5 * other.norm()


def test_a_completion_of_one_token_and_a_batch_without_any_are_scored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, rows = make_model(), make_rows(2, 3)
    rows.mask[:, START + 1 :] = 0
    rows.mask[1, START:] = 0  # one that was masked out whole
    ours = measure(model, rows, score_completions(model, rows, TEMPERATURE))
    theirs = measure(model, rows, score_densely(model, rows))
    assert all((a - b).norm() <= 1e-5 * b.norm() for a, b in zip(ours, theirs, strict=True))
    rows.mask[:, START:] = 0
    logprobs = score_completions(model, rows, TEMPERATURE).logprobs
    logprobs.sum().backward()  # a zero that still hangs on the model
    assert not logprobs.any()


def test_a_prompt_is_read_once_a_group_and_the_head_sees_completion_tokens_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, rows = make_model(), make_rows(3, 8)
    read: list[tuple[int, ...]] = []
    model.get_input_embeddings().register_forward_hook(
        lambda module, args, output: read.append(tuple(args[0].shape))
    )
    scored: list[int] = []

    def watch(states: torch.Tensor, *more: Any, **pulling: Any) -> Any:
        scored.append(len(states))
        return score_tokens(states, *more, **pulling)

    monkeypatch.setattr(shared_prompt, "score_tokens", watch)
    score_completions(model, rows, TEMPERATURE)
    num_tokens = int(rows.completion_mask.sum())
    assert scored == [num_tokens]
    assert read[0] == (3, START)
    positions = sum(height * width for height, width in read[1:])
    most = num_tokens - len(rows.ids) + len(read) * shared_prompt.cost_of_a_chunk(torch.ones(32))
    assert num_tokens - len(rows.ids) <= positions <= most


def find_readers_of(model: Any, rows: PaddedRows, changed: int) -> set[int]:
    """Whose log probabilities change with the tokens of one completion."""
    before = score_completions(model, rows, TEMPERATURE).logprobs
    other = rows.ids.clone()
    other[changed, START:] = (other[changed, START:] + 7) % 60
    changed_rows = PaddedRows(other, rows.mask, START)
    after = score_completions(model, changed_rows, TEMPERATURE).logprobs
    apart = (before - after).abs().amax(dim=1)
    return set(torch.nonzero(apart > 1e-6).flatten().tolist())


def plant_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """A completion sees a little of what its neighbour in the chunk has written."""
    read = shared_prompt._read_completions

    def leak(*args: Any) -> torch.Tensor:
        seen = read(*args)
        return seen + 0.05 * seen.roll(1, dims=0)

    monkeypatch.setattr(shared_prompt, "_read_completions", leak)


def test_no_completion_sees_another_and_one_that_does_is_caught(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, rows = make_model(), make_rows(2, 6)
    for changed in range(len(rows.ids)):
        assert find_readers_of(model, rows, changed) == {changed}
    reasons: list[str] = []
    works = PromptSharing(TEMPERATURE, reasons.append).works_for(
        model, rows, lambda some: score_densely(model, some)
    )
    assert works and not reasons
    plant_leak(monkeypatch)
    assert any(find_readers_of(model, rows, n) != {n} for n in range(len(rows.ids)))
    sharing = PromptSharing(TEMPERATURE, reasons.append)
    for _ in range(2):
        assert not sharing.works_for(model, rows, lambda some: score_densely(model, some))
    assert len(reasons) == 1 and "its log probabilities differ by" in reasons[0]


def scale_adapter(model: Any, scale: float) -> None:
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.mul_(scale)


@pytest.mark.parametrize("forgets", [False, True], ids=["honest", "forgets the adapter"])
def test_it_is_tried_again_as_soon_as_the_adapter_has_an_effect(
    forgets: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, fresh, rows = make_model(), make_model(), make_rows(2, 4)
    scale_adapter(fresh, 0.0)
    reasons: list[str] = []
    sharing, compared = PromptSharing(TEMPERATURE, reasons.append), 0

    def score_base(model: Any, *args: Any, **more: Any) -> Any:
        with model.disable_adapter():
            return score_completions(model, *args, **more)

    def works_for(model: Any) -> bool:
        def plain(some: PaddedRows) -> TokenReading:
            nonlocal compared
            compared += 1
            return score_densely(model, some)

        return sharing.works_for(model, rows, plain)

    if forgets:
        monkeypatch.setattr(prompt_sharing, "score_completions", score_base)
    assert works_for(fresh) and works_for(fresh)
    with model.disable_adapter():  # as the reference
        assert works_for(model)
    assert compared == 1 and not reasons
    for _ in range(3):
        assert works_for(model) is not forgets
    assert works_for(fresh) is not forgets
    assert compared == 2 and len(reasons) == forgets


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes."),
    ],
    ids=["gpu", "cpu"],
)
def test_a_trial_without_enough_memory_is_no_reason_to_use_more(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(prompt_sharing, "score_completions", fail)
    reasons: list[str] = []
    with pytest.raises(type(error), match="memory"):
        PromptSharing(TEMPERATURE, reasons.append).works_for(make_model(), make_rows(2, 4), fail)
    assert not reasons


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"shape": SHAPES[1], "use_sliding_window": True, "sliding_window": 4,
          "max_window_layers": 1}, "attend to everything"),
        ({"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}},
         "the longest row"),
        ({"attention_dropout": 0.1}, "dropout"),
        ({"lora": {"lora_dropout": 0.1}}, "dropout"),
        ({"lora": {"target_modules": ["lm_head"]}}, "head is trained"),
    ],
    ids=["sliding", "growing-rope", "attention-dropout", "lora-dropout", "trained-head"],
)  # fmt: skip
def test_what_cannot_share_prompts_is_known_by_sight(settings: Any, reason: str) -> None:
    assert reason in find_obstacle(make_model(**settings))


def test_a_model_that_turns_the_logits_is_found_out_by_trying() -> None:
    """Nothing about its config says so to us: TRL's head caps what it scores."""
    model, rows = make_model(), make_rows(2, 4)
    base = model.get_base_model()
    base.config.final_logit_softcapping = 2.0
    base.forward = type(base).forward.__get__(base)
    add_fused_lm_head(base, temperature=TEMPERATURE, outputs=("log_probs", "entropy"))
    reasons: list[str] = []
    sharing = PromptSharing(TEMPERATURE, reasons.append)
    assert not sharing.works_for(model, rows, lambda some: score_densely(model, some))
    assert "differ by" in reasons[0]


def test_rows_are_cut_where_that_saves_more_than_a_pass_costs() -> None:
    assert cut_by_length([5, 0, 5, 5], 1) == [[0, 2, 3]]
    assert cut_by_length([80, 10, 10, 80, 10], 200) == [[1, 2, 4], [0, 3]]
    assert cut_by_length([80, 10, 10, 80, 10], 210) == [[1, 2, 4, 0, 3]]
    assert cut_by_length([0, 0], 1) == cut_by_length([], 1) == []
    lengths = torch.randint(0, 80, (64,), generator=torch.Generator().manual_seed(3)).tolist()
    chunks = cut_by_length(lengths, 16)
    assert sorted(row for chunk in chunks for row in chunk) == [
        row for row, length in enumerate(lengths) if length
    ]
    padded = sum(len(chunk) * max(lengths[row] for row in chunk) for chunk in chunks)
    assert padded < 1.15 * sum(lengths) < 0.7 * 64 * max(lengths)


@pytest.mark.parametrize("bias", [True, False])
def test_a_tokens_log_probability_and_its_pull_on_the_state_are_autograds(
    bias: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_logprobs, "LOGITS_AT_ONCE", 100)  # pieces of three tokens
    torch.manual_seed(0)
    head = torch.nn.Linear(8, 31, bias=bias).requires_grad_(False)
    states, targets = torch.randn(10, 8, requires_grad=True), torch.randint(31, (10,))
    weights = torch.randn(10)
    every = (head(states) / TEMPERATURE).log_softmax(dim=-1)
    expected = every.gather(1, targets[:, None])[:, 0]
    (wanted,) = torch.autograd.grad((expected * weights).sum(), states)
    logprobs, entropies = score_tokens(states, targets, head, TEMPERATURE)
    (pull,) = torch.autograd.grad((logprobs * weights).sum(), states)
    torch.testing.assert_close(logprobs, expected)
    torch.testing.assert_close(entropies, -(every.exp() * every).sum(dim=-1))
    torch.testing.assert_close(pull, wanted)
    every = (head(states) / TEMPERATURE).log_softmax(dim=-1)
    (wanted,) = torch.autograd.grad((-(every.exp() * every).sum(dim=-1) * weights).sum(), states)
    _, entropies = score_tokens(states, targets, head, TEMPERATURE, entropies_pull=True)
    (pull,) = torch.autograd.grad((entropies * weights).sum(), states)
    torch.testing.assert_close(pull, wanted)
    with pytest.raises(ValueError, match="trained"):
        score_tokens(states, targets, torch.nn.Linear(8, 31), TEMPERATURE)


def test_shuffled_groups_come_together_and_no_row_is_torn_apart() -> None:
    rows = make_rows(4, 3, seed=1)
    whole: dict[str, Any] = {
        "prompt_ids": rows.ids[:, :START],
        "prompt_mask": rows.mask[:, :START],
        "completion_ids": rows.ids[:, START:],
        "advantages": rows.ids[:, START].float(),
        "num_items_in_batch": torch.tensor(7),
        "nothing": None,
    }
    batches = [
        {name: value[start : start + 3] if getattr(value, "ndim", 0) else value
         for name, value in whole.items()}
        for start in range(0, 12, 3)
    ]  # fmt: skip
    together = put_groups_together(batches)
    assert [len(batch["prompt_ids"].unique(dim=0)) for batch in together] == [1, 1, 1, 1]
    assert all(int(b["num_items_in_batch"]) == 7 and b["nothing"] is None for b in together)
    for batch in together:
        assert torch.equal(batch["advantages"], batch["completion_ids"][:, 0].float())
    ids = torch.cat([torch.cat([b["prompt_ids"], b["completion_ids"]], dim=1) for b in together])
    assert sorted(ids.tolist()) == sorted(rows.ids.tolist())
