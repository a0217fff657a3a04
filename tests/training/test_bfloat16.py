"""A trained model in bfloat16 thinks of its own completions what it thinks in float32."""

from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.decoding.loop import SampledRow
from rft_core.sampling.end_tokens import get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.sampler import Sampler
from rft_core.sampling.service.messages import SamplingParams
from rft_core.tasks import get_task
from rft_core.training.update.shared_prompt import PaddedRows, score_completions

MODEL, EACH = "embedded/countdown", 4
PARAMS = SamplingParams(temperature=1.0, top_p=1.0, top_k=0, max_completion_length=80, seed=0)


def load(dtype: str) -> Any:
    model, _ = load_base(MODEL, dtype)
    return model.requires_grad_(False).eval()


def sample_rows() -> PaddedRows:
    model, tokenizer = load_base(MODEL, "float32")
    task = get_task("countdown")
    prompts = [
        tuple(render_prompt(tokenizer, task.template.render(row))[1])
        for row in task.load(4, 0, 0)[0]
        for _ in range(EACH)
    ]
    rows = [SampledRow(ids, index) for index, ids in enumerate(prompts)]
    sampler = Sampler(model.eval(), get_end_tokens(model, tokenizer))
    completions = [row.ids for row in sampler.sample(rows, PARAMS)]
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


def test_log_probabilities_in_bfloat16_differ_by_less_than_a_hundredth() -> None:
    rows = sample_rows()
    with torch.no_grad():
        fine, coarse = (score_completions(load(d), rows, 1.0)[0] for d in ("float32", "bfloat16"))
    apart = (fine - coarse).abs()[rows.completion_mask.bool()]
    assert len(apart) > 300 and 0 < apart.mean() < 1e-2
    # A fault of one place would not be small: each token's own number tells it from the others.
    assert (fine - fine.roll(1, dims=1)).abs()[rows.completion_mask.bool()].mean() > 0.1
