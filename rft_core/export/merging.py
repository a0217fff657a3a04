"""Merging an adapter into its base, saving the result, and proving what was saved.

The merge is done in float32 on the weights that the run trained on, and saved in the run's own
precision. Then the folder is read back: its weights must differ from the base, and what it says
must be what the base says with the adapter. In float32 that means the same greedy answers, token
by token. A coarser precision rounds, so there the log probabilities of the adapter's answers must
lie far nearer to the adapter's than the base's do: else rounding has undone the training.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.errors import RftError

PROOF_PROMPTS = 4
PROOF_TOKENS = 48
MOST_ROUNDING = 0.5  # of the difference that training made

Ids = tuple[int, ...]


def require_finite(adapter: Path) -> None:
    """Raises RftError where the adapter holds NaN or infinity: it would answer nothing."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(adapter / "adapter_model.safetensors")
    except (OSError, SafetensorError) as error:
        raise RftError(
            f"The adapter in {adapter} cannot be read", str(error), "Export another checkpoint"
        ) from error
    broken = sum(not tensor.isfinite().all() for tensor in weights.values())
    if broken:
        raise RftError(
            "The adapter holds values that are no numbers",
            f"{broken} of its {len(weights)} weights contain NaN or infinity: training diverged",
            "Export an earlier checkpoint (--step), or train with a lower learning_rate",
        )


def write_merged(
    config: RunConfig, adapter: Path, prompts: PromptSet, target: Path
) -> dict[str, Any]:
    """Merge, save and prove. Returns the proof."""
    import torch
    from peft import PeftModel

    from rft_core.sampling.chat_template import render_prompt
    from rft_core.sampling.end_tokens import get_end_tokens
    from rft_core.sampling.loading.models import load_base

    base, tokenizer = load_base(config.model, config.dtype)
    dtype, ends = base.dtype, get_end_tokens(base, tokenizer)
    torch.nn.Module.to(base, torch.float32)
    rows = (prompts.validation_rows or prompts.train_rows)[:PROOF_PROMPTS]
    told = config.chat_template_kwargs
    asked = [tuple(render_prompt(tokenizer, m, told)[1]) for m in prompts.prompts(rows)]
    tuned = PeftModel.from_pretrained(base, str(adapter)).eval()
    answers = _answer_greedily(tuned, asked, ends)
    wanted = _log_probabilities(tuned, asked, answers)
    with tuned.disable_adapter():
        of_base = _log_probabilities(tuned, asked, answers)
    before = {name: tensor.to(dtype) for name, tensor in _own_weights(tuned).items()}
    merged = tuned.merge_and_unload().to(dtype)
    changed = sum(not torch.equal(t, before[name]) for name, t in merged.state_dict().items())
    if not changed:
        raise RftError(
            "The merged model equals the base",
            "The adapter changes nothing that can be seen in this dtype",
            "Export the adapter alone, or train for longer",
        )
    merged.save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))
    del base, tuned, merged, before
    gc.collect()
    saved, _ = load_base(str(target), "auto")
    proof = {"dtype": str(saved.dtype).removeprefix("torch."), "changed_tensors": changed}
    torch.nn.Module.to(saved, torch.float32)
    got = _answer_greedily(saved, asked, ends)
    proof |= {
        "answers_compared": len(asked),
        "answers_equal": sum(a == b for a, b in zip(answers, got, strict=True)),
        "difference": _mean_distance(wanted, _log_probabilities(saved, asked, answers)),
        "difference_of_base": _mean_distance(wanted, of_base),
    }
    _check_proof(proof, is_exact=dtype == torch.float32)
    return proof


def _check_proof(proof: dict[str, Any], *, is_exact: bool) -> None:
    differing = proof["answers_compared"] - proof["answers_equal"]
    if is_exact and differing:
        raise RftError(
            "The merged model does not answer as the adapter does",
            f"{differing} of {proof['answers_compared']} greedy answers differ",
            "Export the adapter instead (without --merged)",
        )
    rounded, trained = proof["difference"], proof["difference_of_base"]
    if not is_exact and not rounded <= MOST_ROUNDING * trained:
        raise RftError(
            f"Saved in {proof['dtype']}, the merged model loses what training changed",
            f"Rounding moves its log probabilities by {rounded:.2g} a token, training by "
            f"{trained:.2g}",
            "Export the adapter instead (without --merged), which is not rounded",
        )


def _own_weights(tuned: Any) -> dict[str, Any]:
    """The base's weights, by the names that they have without PEFT."""
    weights = tuned.get_base_model().state_dict()
    return {
        name.replace(".base_layer.", ".").replace(".original_module.", "."): tensor.clone()
        for name, tensor in weights.items()
        if "lora_" not in name and ".modules_to_save." not in name
    }


def _answer_greedily(model: Any, asked: Sequence[Ids], ends: frozenset[int]) -> list[Ids]:
    from rft_core.sampling.decoding.loop import SampledRow
    from rft_core.sampling.sampler import Sampler
    from rft_core.sampling.service.messages import SamplingParams

    params = SamplingParams(temperature=0, max_completion_length=PROOF_TOKENS)
    sampler = Sampler(model, ends, rows_per_batch=1)  # no padding, which would round differently
    return [answer.ids for answer in sampler.sample([SampledRow(p, 0) for p in asked], params)]


def _log_probabilities(model: Any, asked: Sequence[Ids], answers: Sequence[Ids]) -> list[float]:
    """Of every token of the answers, in order."""
    import torch

    found: list[float] = []
    for prompt, answer in zip(asked, answers, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0]
        logprobs = logits.float().log_softmax(dim=-1)[len(prompt) - 1 : -1]
        found += logprobs.gather(1, torch.tensor(answer)[:, None])[:, 0].tolist()
    return found


def _mean_distance(wanted: Sequence[float], got: Sequence[float]) -> float:
    return sum(abs(a - b) for a, b in zip(wanted, got, strict=True)) / max(1, len(wanted))
