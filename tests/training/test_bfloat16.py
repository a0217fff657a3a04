"""An adapted model in bfloat16, under autocast as in a run, beside the same one in float32.

What it thinks of its base's completions, and what it would learn from them: with prompts shared as
near to float32 as TRL's own way is.
"""

import inspect
from contextlib import nullcontext
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch.nn.utils.rnn import pad_sequence
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.utils import add_fused_lm_head

from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.tasks import get_task
from rft_core.training.update import prompt_sharing, shared_prompt
from rft_core.training.update.prompt_sharing import PromptSharing
from rft_core.training.update.shared_prompt import PaddedRows, score_completions
from rft_core.training.update.token_logprobs import TokenReading

MODEL, EACH = "embedded/countdown", 4
PARAMS = SamplingParams(temperature=1.0, top_p=1.0, top_k=0, max_completion_length=80, seed=0)


@pytest.fixture(scope="module")
def rows() -> PaddedRows:
    """Completions of the base, in float32."""
    model, tokenizer = load_base(MODEL, "float32")
    task = get_task("countdown")
    prompts = [
        tuple(render_prompt(tokenizer, task.template.render(row))[1])
        for row in task.load(4, 0, 0)[0]
        for _ in range(EACH)
    ]
    sampled = [SampledRow(ids, index) for index, ids in enumerate(prompts)]
    sampler = Sampler(model.eval(), get_end_tokens(model, tokenizer))
    completions = [row.ids for row in sampler.sample(sampled, PARAMS)]
    return PaddedRows(*(
        torch.cat([pad(prompts, "left", keep), pad(completions, "right", keep)], dim=1)
        for keep in (True, False)
    ), start=max(map(len, prompts)))  # fmt: skip


def pad(rows: Any, side: str, keep: bool) -> torch.Tensor:
    """The ids of rows [rows, longest], or a mask of where they are."""
    tensors = [torch.tensor(row) for row in rows]
    if not keep:
        tensors = [torch.ones_like(row) for row in tensors]
    return pad_sequence(tensors, batch_first=True, padding_side=side)


@dataclass(frozen=True)
class Adapted:
    """The trained base with an adapter that says something (always the same), and TRL's head."""

    model: Any
    dtype: str

    def autocast(self) -> Any:
        is_coarse = self.dtype == "bfloat16"
        return torch.autocast("cpu", torch.bfloat16) if is_coarse else nullcontext()

    def share(self, rows: PaddedRows) -> torch.Tensor:
        with self.autocast():
            return score_completions(self.model, rows, PARAMS.temperature)[0]

    def score_densely(self, rows: PaddedRows) -> torch.Tensor:
        """As TRL itself."""
        trainer = SimpleNamespace(accelerator=SimpleNamespace(autocast=self.autocast))
        score = inspect.unwrap(GRPOTrainer._get_per_token_logps_and_entropies)
        columns = rows.completion_mask.shape[1]
        scored: torch.Tensor = score(trainer, self.model, rows.ids, rows.mask, columns)[0]
        return scored

    def pull(self, logprobs: torch.Tensor, rows: PaddedRows) -> torch.Tensor:
        """The adapter's gradient of a sum in which every token has a weight of its own."""
        self.model.zero_grad()
        weights = torch.sin(torch.arange(logprobs.numel())).view(logprobs.shape)
        (logprobs * weights * rows.completion_mask).sum().backward()
        trained = (p for p in self.model.parameters() if p.requires_grad)
        return torch.cat([p.grad.float().flatten() for p in trained])


def adapt(dtype: str) -> Adapted:
    base: Any = load_base(MODEL, dtype)[0]
    add_fused_lm_head(base, temperature=PARAMS.temperature, outputs=("log_probs", "entropy"))
    torch.manual_seed(0)
    settings = {"r": 16, "lora_alpha": 32, "target_modules": "all-linear"}
    model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", **settings))
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.02)
    return Adapted(model.train(), dtype)


def test_log_probabilities_in_bfloat16_differ_by_less_than_a_hundredth(rows: PaddedRows) -> None:
    fine, coarse = adapt("float32"), adapt("bfloat16")
    is_token = rows.completion_mask.bool()
    with torch.no_grad():
        right, shared, dense = (
            scored[is_token]
            for scored in (fine.score_densely(rows), coarse.share(rows), coarse.score_densely(rows))
        )
        with coarse.model.disable_adapter():
            base = coarse.share(rows)[is_token]
    for scored in (shared, dense):
        apart = (scored - right).abs()
        assert len(apart) > 300 and 0 < apart.mean() < 1e-2
        assert apart.quantile(0.99) < 0.1
    # A fault of one place, or a forgotten adapter, would not be as small as that.
    assert (right - right.roll(1)).abs().mean() > 0.1
    assert (base - right).abs().mean() > 3 * apart.mean()


def test_a_gradient_in_bfloat16_is_as_near_to_float32_with_prompts_shared(
    rows: PaddedRows,
) -> None:
    fine, coarse = adapt("float32"), adapt("bfloat16")
    right = fine.pull(fine.score_densely(rows), rows)
    shared = coarse.pull(coarse.share(rows), rows)
    dense = coarse.pull(coarse.score_densely(rows), rows)
    assert 0 < (shared - right).norm() <= 1.3 * (dense - right).norm() < 0.2 * right.norm()


def leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on a completion sees a little of what its neighbour in the chunk has written."""
    read = shared_prompt._read_completions

    def read_beside_it(*args: Any) -> torch.Tensor:
        seen = read(*args)
        return seen + 0.1 * seen.roll(1, dims=0)

    monkeypatch.setattr(shared_prompt, "_read_completions", read_beside_it)


def find_reasons_against(adapted: Adapted, rows: PaddedRows) -> list[str]:
    """Why prompts are not shared; empty where they are."""
    reasons: list[str] = []

    def read_densely(some: PaddedRows) -> TokenReading:
        scored = adapted.score_densely(some)
        return TokenReading(scored, torch.zeros_like(scored))

    with adapted.autocast():
        sharing = PromptSharing(PARAMS.temperature, reasons.append)
        assert sharing.works_for(adapted.model, rows, read_densely) is not bool(reasons)
    return reasons


def test_in_bfloat16_prompts_are_shared_and_a_leak_between_completions_is_caught(
    rows: PaddedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapted = adapt("bfloat16")
    assert not find_reasons_against(adapted, rows)
    leak(monkeypatch)
    assert "its log probabilities differ by" in find_reasons_against(adapted, rows)[0]


def test_where_rounding_hides_what_is_right_the_weights_are_compared_in_float32(
    rows: PaddedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with SmolLM2-135M, whose numbers in bfloat16 differ by 0.05 either way."""
    adapted = adapt("bfloat16")
    before = [(weight.dtype, weight.data_ptr()) for weight in adapted.model.parameters()]
    monkeypatch.setattr(prompt_sharing, "MOST_APART", 1e-4)
    monkeypatch.setattr(prompt_sharing, "MOST_APART_COARSE", 1e-4)
    assert not find_reasons_against(adapted, rows)
    assert [(weight.dtype, weight.data_ptr()) for weight in adapted.model.parameters()] == before
    with monkeypatch.context() as patch:
        patch.setattr(prompt_sharing, "MOST_WIDENED", 0)
        assert "more than 0.0001" in find_reasons_against(adapted, rows)[0]
    leak(monkeypatch)
    assert "its log probabilities differ by" in find_reasons_against(adapted, rows)[0]
