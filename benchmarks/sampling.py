"""Tokens per CPU second of our sampler beside `generate`, both on the PEFT model that is trained.

    python benchmarks/sampling.py [--model embedded/countdown] [--dtype float32] [--batch 8 32 64]

Groups of 8 completions at temperature 1, ended by the model unless `--forced`. Both start from the
same unmerged adapter every time, as a training step does: what our sampler does to prepare its
weights is counted. What is printed is also written to benchmarks/results.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402

from benchmarks.in_turn import (  # noqa: E402
    describe,
    describe_command,
    describe_ratio,
    describe_setting,
    measure_in_turn,
    publish,
)
from rft_core.sampling.chat_template import render_prompt  # noqa: E402
from rft_core.sampling.decoding.loop import SampledRow, pad_left  # noqa: E402
from rft_core.sampling.end_tokens import get_end_tokens  # noqa: E402
from rft_core.sampling.loading.models import load_base  # noqa: E402
from rft_core.sampling.sampler import Sampler  # noqa: E402
from rft_core.sampling.service.messages import SamplingParams  # noqa: E402
from rft_core.tasks import get_task  # noqa: E402

GROUP = 8
TRANSFORMERS, OURS = "generate", "ours"


def adapt(base: Any) -> Any:
    """With an adapter that does something, as after some steps of training."""
    torch.manual_seed(0)
    model = get_peft_model(base, LoraConfig(r=16, lora_alpha=32, target_modules="all-linear"))
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "lora_B" in name:
                weight.normal_(0, 0.01)
    return model.eval()


def make_prompts(tokenizer: Any, task: str, batch: int) -> list[list[int]]:
    found = get_task(task)
    rows = found.make_rows("train", max(1, batch // GROUP), 0)
    distinct = [render_prompt(tokenizer, found.template.render(row))[1] for row in rows]
    return [list(ids) for ids in distinct for _ in range(GROUP)][:batch]


class Arms:
    """Both ways to write `batch` completions of at most `new` tokens."""

    def __init__(
        self, model: Any, tokenizer: Any, prompts: list[list[int]], new: int, forced: bool
    ) -> None:
        self._model, self._tokenizer, self._prompts = model, tokenizer, prompts
        self._new, self._forced = new, forced
        self._ends = get_end_tokens(model, tokenizer)
        self.sampler = Sampler(model, frozenset() if forced else self._ends)

    def sample(self, seed: int) -> int:
        rows = [SampledRow(tuple(ids), at, "default") for at, ids in enumerate(self._prompts)]
        params = SamplingParams(max_completion_length=self._new, seed=seed)
        return sum(len(sampled.ids) for sampled in self.sampler.sample(rows, params))

    @torch.no_grad()
    def generate(self, seed: int) -> int:
        torch.manual_seed(seed)
        tokens, visible = pad_left(self._prompts)
        written = self._model.generate(
            input_ids=torch.tensor(tokens), attention_mask=torch.tensor(visible).long(),
            do_sample=True, temperature=1.0, top_p=1.0, top_k=0, max_new_tokens=self._new,
            min_new_tokens=self._new if self._forced else None,
            pad_token_id=self._tokenizer.pad_token_id,
        )[:, len(tokens[0]) :]  # fmt: skip
        if self._forced:
            return int(written.numel())
        is_end = torch.isin(written, torch.tensor(sorted(self._ends)))
        before = (is_end.cumsum(dim=1) - is_end.long()) == 0  # up to the first end, and with it
        return int(before.sum())


def measure(options: argparse.Namespace) -> list[str]:
    base, tokenizer = load_base(options.model, options.dtype)
    model = adapt(base)
    lines = [
        f"| rows | prompt | tokens each | {TRANSFORMERS} | {OURS} | {OURS} / {TRANSFORMERS}, CPU "
        "| wall |",
        "|---|---|---|---|---|---|---|",
    ]
    for batch in options.batch:
        prompts = make_prompts(tokenizer, options.task, batch)
        arms = Arms(model, tokenizer, prompts, options.new, options.forced)
        turns = measure_in_turn({TRANSFORMERS: arms.generate, OURS: arms.sample}, options.pairs)
        theirs, ours = turns[TRANSFORMERS], turns[OURS]
        cpu = [[turn.per_cpu_second for turn in each] for each in (ours, theirs)]
        wall = [[turn.per_second for turn in each] for each in (ours, theirs)]
        length = sum(turn.tokens for turn in ours) / batch / len(ours)
        lines.append(
            f"| {batch} | {max(map(len, prompts))} | {length:.1f} | {describe(cpu[1], ',.0f')} "
            f"| {describe(cpu[0], ',.0f')} | {describe_ratio(*cpu)} | {describe_ratio(*wall)} |"
        )
        print(lines[-1], file=sys.stderr, flush=True)
    refused = arms.sampler.fused.refused
    lines.append(f"\nOur loop: {f'the ordinary one ({refused})' if refused else 'the tight one'}.")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", default="embedded/countdown", help="or a folder")
    parser.add_argument("--task", default="countdown", help="whose prompts")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--batch", type=int, nargs="+", default=[8, 32, 64])
    parser.add_argument("--new", type=int, default=80, help="tokens at most")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument(
        "--forced", action="store_true", help="all of them, whatever the model says"
    )
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    table = measure(options)
    name = Path(options.model).name
    head = (
        f"# Sampling with an adapter, ours beside `generate`: {name}, {options.dtype}\n\n"
        f"{describe_setting()}\n\n`{describe_command(sys.argv)}`: tokens "
        f"per CPU second, medians (min-max) of {options.pairs} pairs; ratios pair by pair.\n"
    )
    suffix = "" if options.dtype == "float32" else f"-{options.dtype}"
    publish(f"sampling-{name}{suffix}", "\n".join([head, *table]))


if __name__ == "__main__":
    main()
