"""TRL's head, sparing on a CPU: the same numbers and gradients, a trained head's included."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
from trl.kernels import chunked_logprob
from trl.trainer import utils as trl_utils
from trl.trainer.utils import add_fused_lm_head

from rft_core.planning.facts import LOGITS_AT_ONCE
from rft_core.training import recorded
from rft_core.training.recorded import TILE_WIDTH, score_sparingly
from tests.tiny_run import add_tiny_run, live_in_process

FROZEN: dict[str, Any] = {"target_modules": ["q_proj", "v_proj"]}
LABELLED = 5 * 18  # positions: the last 18 of each row
CASES: dict[str, tuple[bool, dict[str, Any]]] = {
    "tied": (True, FROZEN),
    "untied": (False, FROZEN),
    "lora-on-head": (False, {"target_modules": ["q_proj", "lm_head"]}),
    "head-saved": (False, {"target_modules": ["q_proj"], "modules_to_save": ["lm_head"]}),
}


def make_model(tied: bool, adapter: dict[str, Any]) -> Any:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=1,
        num_attention_heads=4, num_key_value_heads=2, initializer_range=0.3,
        tie_word_embeddings=tied,
    )  # fmt: skip
    base: Any = LlamaForCausalLM(config)
    add_fused_lm_head(base, temperature=0.7, outputs=("log_probs", "entropy"))
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, **adapter))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.2)
    return model.train()


def score(model: Any) -> tuple[torch.Tensor, ...]:
    """Log probabilities and entropies of padded rows, and the gradient of a sum of both."""
    rng = torch.Generator().manual_seed(1)
    ids = torch.randint(60, (5, 40), generator=rng)
    mask = (torch.arange(40) >= torch.tensor([0, 3, 9, 0, 20])[:, None]).long()
    labels = ids.masked_fill(mask == 0, -100)
    labels[:, :22] = -100
    scored = model(input_ids=ids, attention_mask=mask, labels=labels, fused_lm_head=True)
    weights = torch.sin(torch.arange(scored.log_probs.numel())).view(scored.log_probs.shape)
    model.zero_grad()
    ((scored.log_probs + 0.3 * scored.entropy) * weights).sum().backward()
    pulls = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return scored.log_probs.detach(), scored.entropy.detach(), torch.cat(pulls)


@pytest.fixture
def heights(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many positions each tile has had so far."""
    seen: list[int] = []

    def watch(fold: Callable[..., None]) -> Callable[..., None]:
        def folded(tile: torch.Tensor, *more: Any, **named: Any) -> None:
            seen.append(len(tile))
            fold(tile, *more, **named)

        return folded

    for name in ("_forward_tile", "_backward_tile"):
        monkeypatch.setattr(chunked_logprob, name, watch(getattr(chunked_logprob, name)))
    monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", chunked_logprob.TOKEN_CHUNK_SIZE)
    monkeypatch.setattr(trl_utils, "_use_triton", chunked_logprob._use_triton)
    return seen


@pytest.mark.parametrize(("tied", "adapter"), CASES.values(), ids=CASES)
def test_small_tiles_of_labelled_positions_give_the_numbers_and_gradients_of_all_in_one(
    tied: bool, adapter: dict[str, Any], heights: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = make_model(tied, adapter)
    monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", 4096)
    whole = score(model)
    assert heights == [5 * 39, 5 * 39]
    heights.clear()
    monkeypatch.setattr(recorded, "LOGITS_AT_ONCE", 16 * TILE_WIDTH)
    score_sparingly()
    pieces = score(model)
    assert max(heights) == 16 and sum(heights) == 2 * LABELLED  # forwards, and backwards
    for one, other in zip(pieces, whole, strict=True):
        assert other.norm() > 0 and (one - other).norm() <= 1e-5 * other.norm()


def test_a_run_on_a_cpu_scores_in_tiles_that_are_no_larger_than_ours(
    tiny_model: Path, runs_dir: Path, heights: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunked_logprob, "TOKEN_CHUNK_SIZE", 4096)
    add_tiny_run(
        runs_dir, tiny_model, method="sft", gold_column="question", max_steps=1, eval_steps=0
    )
    assert live_in_process(runs_dir).outcome == "finished"
    assert heights and chunked_logprob.TOKEN_CHUNK_SIZE == LOGITS_AT_ONCE // TILE_WIDTH == 512
