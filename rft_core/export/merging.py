"""Merging an adapter into its base, saving the result, and proving what was saved.

The merge is done in float32 on the weights that the run trained on, and saved in the run's own
precision. Then the folder is read back. Its weights must differ from the base's, which a merge that
was silently left out does not. And over the run's validation prompts it must say what the base says
with the adapter: in float32 the same greedy answers, token by token, unless two tokens were equally
likely. A coarser precision rounds, so there the log probabilities of the adapter's answers must lie
far nearer to the adapter's than the base's do: else rounding has undone the training.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rft_core.config import RunConfig
from rft_core.data import PromptSet
from rft_core.errors import RftError

PROOF_PROMPTS = 64  # validation prompts first; where there are fewer, training prompts too
PROOF_TOKENS = 48
ROWS_AT_ONCE = 16
MOST_ROUNDING = 0.5  # of the difference that training made
FLOAT32_NOISE = 1e-4  # what sums in another order move the log probability of a token by
EQUALLY_LIKELY = 1e-3  # log probabilities that float32 sums may put in either order

Ids = tuple[int, ...]
OnProgress = Callable[[float, str], None]  # the share done, 0 to 1, and what is being done


def ignore_progress(share: float, doing: str) -> None:
    """The callback of those who do not watch."""


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


@dataclass(frozen=True)
class _Wanted:
    """What the base with its adapter says: the answers, and how likely each of their tokens is.

    `of_base`: how likely the base alone finds the same tokens.
    """

    asked: tuple[Ids, ...]
    answers: tuple[Ids, ...]
    logprobs: tuple[float, ...]
    of_base: tuple[float, ...]


def write_merged(
    config: RunConfig,
    adapter: Path,
    prompts: PromptSet,
    target: Path,
    on_progress: OnProgress = ignore_progress,
) -> tuple[dict[str, Any], Any, frozenset[int]]:
    """Merge, save and prove. Returns the proof, the tokenizer, and which tokens end an answer."""
    import torch
    from peft import PeftModel

    from rft_core.sampling.chat_template import render_prompt
    from rft_core.sampling.end_tokens import get_end_tokens
    from rft_core.sampling.loading.models import load_base

    base, tokenizer = load_base(config.model, config.dtype, lambda doing, _: on_progress(0, doing))
    dtype, ends = base.dtype, get_end_tokens(base, tokenizer)
    torch.nn.Module.to(base, torch.float32)
    told = config.chat_template_kwargs
    asked = [
        tuple(render_prompt(tokenizer, m, told)[1]) for m in prompts.prompts(choose_rows(prompts))
    ]
    tuned = PeftModel.from_pretrained(base, str(adapter)).eval()
    wanted = _listen(tuned, asked, ends, on_progress)
    before = {name: tensor.to(dtype) for name, tensor in _own_weights(tuned).items()}
    on_progress(0.5, "merging the adapter into the base")
    merged = tuned.merge_and_unload().to(dtype)
    on_progress(0.52, "writing the merged model")
    merged.save_pretrained(str(target))
    tokenizer.save_pretrained(str(target))
    del base, tuned, merged
    gc.collect()
    on_progress(0.55, "reading the merged model back")
    saved, _ = load_base(str(target), "auto")
    weights = saved.state_dict()
    changed = sum(not torch.equal(weights[name], tensor) for name, tensor in before.items())
    proof = {"dtype": str(saved.dtype).removeprefix("torch."), "changed_tensors": changed}
    del before, weights
    _require_change(changed, wanted)
    torch.nn.Module.to(saved, torch.float32)
    proof |= _compare(saved, wanted, ends, on_progress)
    _check_proof(proof, is_exact=dtype == torch.float32)
    return proof, tokenizer, ends


def choose_rows(prompts: PromptSet) -> list[Any]:
    """The rows whose answers are compared: validation rows, then training rows if these are few."""
    return [*prompts.validation_rows, *prompts.train_rows][:PROOF_PROMPTS]


def _listen(
    tuned: Any, asked: Sequence[Ids], ends: frozenset[int], on_progress: OnProgress
) -> _Wanted:
    def tell(done: int) -> None:
        on_progress(0.05 + 0.4 * done / len(asked), f"asking base and adapter: {done} answers")

    answers = list(_answer_greedily(tuned, asked, ends, tell))
    logprobs = list(_log_probabilities(tuned, asked, answers))
    with tuned.disable_adapter():
        of_base = list(_log_probabilities(tuned, asked, answers))
    return _Wanted(tuple(asked), tuple(answers), tuple(logprobs), tuple(of_base))


def _compare(
    saved: Any, wanted: _Wanted, ends: frozenset[int], on_progress: OnProgress
) -> dict[str, Any]:
    def tell(done: int) -> None:
        share = done / len(wanted.asked)
        on_progress(0.6 + 0.3 * share, f"asking the merged model: {done} answers")

    got = list(_answer_greedily(saved, wanted.asked, ends, tell))
    pairs = list(zip(wanted.asked, wanted.answers, got, strict=True))
    differing = [(prompt, a, b) for prompt, a, b in pairs if a != b]
    logprobs = list(_log_probabilities(saved, wanted.asked, wanted.answers))
    return {
        "answers_compared": len(got),
        "answers_equal": len(got) - len(differing),
        "answers_tied": sum(_is_tie(saved, *one) for one in differing),
        "difference": _mean_distance(wanted.logprobs, logprobs),
        "difference_of_base": _mean_distance(wanted.logprobs, wanted.of_base),
    }


def _is_tie(model: Any, prompt: Ids, wanted: Ids, got: Ids) -> bool:
    """Whether the first token that differs was as likely as the one in its place."""
    import torch

    at = next((i for i, (a, b) in enumerate(zip(wanted, got, strict=False)) if a != b), None)
    if at is None:  # one goes on where the other ends: an end token, which is one of its tokens
        return False
    with torch.inference_mode():
        logits = model(input_ids=torch.tensor([prompt + wanted[:at]])).logits[0, -1]
    logprobs = logits.float().log_softmax(dim=-1)
    return bool((logprobs[wanted[at]] - logprobs[got[at]]).abs() < EQUALLY_LIKELY)


def _require_change(changed: int, wanted: _Wanted) -> None:
    """Raises RftError where what was saved is the base, byte for byte."""
    if changed:
        return
    moved = _mean_distance(wanted.logprobs, wanted.of_base)
    why = (
        f"Every weight that was written is the base's, although the adapter moves the log "
        f"probabilities of its answers by {moved:.2g} a token: the merge did not take place"
        if moved > EQUALLY_LIKELY
        else "The adapter changes nothing that can be seen in this dtype"
    )
    fix = "Export the adapter alone, or train for longer"
    raise RftError("The merged model equals the base", why, fix)


def _check_proof(proof: Mapping[str, Any], *, is_exact: bool) -> None:
    differing = proof["answers_compared"] - proof["answers_equal"] - proof["answers_tied"]
    if is_exact and differing:
        raise RftError(
            "The merged model does not answer as the adapter does",
            f"{differing} of {proof['answers_compared']} greedy answers differ",
            "Export the adapter instead (without --merged)",
        )
    rounded, trained = proof["difference"], proof["difference_of_base"]
    allowed = max(MOST_ROUNDING * trained, FLOAT32_NOISE if is_exact else 0.0)
    if not rounded <= allowed:
        raise RftError(
            f"Saved in {proof['dtype']}, the merged model loses what training changed",
            f"It moves the log probabilities by {rounded:.2g} a token, training by {trained:.2g}",
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


def _answer_greedily(
    model: Any, asked: Sequence[Ids], ends: frozenset[int], tell: Callable[[int], None]
) -> Iterator[Ids]:
    from rft_core.sampling.decoding.loop import SampledRow
    from rft_core.sampling.sampler import Sampler
    from rft_core.sampling.service.messages import SamplingParams

    params = SamplingParams(temperature=0, max_completion_length=PROOF_TOKENS)
    rows = [SampledRow(prompt, 0) for prompt in asked]
    answers = Sampler(model, ends, rows_per_batch=ROWS_AT_ONCE).sample(rows, params)
    for done, answer in enumerate(answers, start=1):
        tell(done)
        yield answer.ids


def _log_probabilities(model: Any, asked: Sequence[Ids], answers: Sequence[Ids]) -> Iterator[float]:
    """Of every token of the answers, in order."""
    import torch

    for prompt, answer in zip(asked, answers, strict=True):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([prompt + answer])).logits[0]
        logprobs = logits.float().log_softmax(dim=-1)[len(prompt) - 1 : -1]
        yield from logprobs.gather(1, torch.tensor(answer)[:, None])[:, 0].tolist()


def _mean_distance(wanted: Sequence[float], got: Sequence[float]) -> float:
    return sum(abs(a - b) for a, b in zip(wanted, got, strict=True)) / max(1, len(wanted))
