"""Sample an embedded model on held-out rows and report what it can and cannot do yet.

`python -m rft_core.embedded.measure countdown` prints correct, pass@k and format shares with
their 95% intervals. It measures a base model at temperature 1; comparing runs is the business of
`rft_core.evaluation`.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.countdown_text import Row, prompt_messages, sample_row
from rft_core.rewards.equation import grade_equation
from rft_core.rewards.format import grade_format

HELD_OUT_SEED = 7_000
MAX_NEW_TOKENS = 128
PROMPTS_AT_ONCE = 25


@dataclass(frozen=True)
class Share:
    """A mean over prompts with its 95% interval: completions of one prompt are not independent."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """What a model does with held-out rows of three numbers from 1 to `largest`."""

    largest: int
    prompts: int
    samples: int
    correct: Share
    pass_at_k: Share  # k = samples
    format: Share
    mean_tokens: float


def held_out_rows(count: int, largest: int = 99, seed: int = HELD_OUT_SEED) -> list[Row]:
    """Rows whose numbers never occur together in the training text."""
    rng = random.Random(seed)
    return [sample_row(rng, largest, split="held_out") for _ in range(count)]


def measure(folder: Path, prompts: int = 200, samples: int = 8, largest: int = 99) -> Measured:
    """Sample `prompts` x `samples` completions at temperature 1 and grade them."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    rows = held_out_rows(prompts, largest)
    torch.manual_seed(HELD_OUT_SEED)
    groups = sample_completions(model, tokenizer, rows, samples)
    pairs = list(zip(rows, groups, strict=True))
    correct = [[is_correct(text, row) for text in group] for row, group in pairs]
    lengths = [len(tokenizer(text)["input_ids"]) for group in groups for text in group]
    return Measured(
        largest=largest,
        prompts=prompts,
        samples=samples,
        correct=_share([sum(flags) / samples for flags in correct]),
        pass_at_k=_share([float(any(flags)) for flags in correct]),
        format=_share([sum(map(has_format, group)) / samples for group in groups]),
        mean_tokens=round(sum(lengths) / len(lengths), 1),
    )


@torch.inference_mode()
def sample_completions(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, rows: Sequence[Row], samples: int
) -> list[list[str]]:
    """`samples` completions per row at temperature 1, in the order of the rows."""
    texts: list[str] = []
    generate: Any = model.generate
    for start in range(0, len(rows), PROMPTS_AT_ONCE):
        prompts = [render_prompt(tokenizer, row) for row in rows[start : start + PROMPTS_AT_ONCE]]
        batch = tokenizer(
            prompts,
            padding=True,
            padding_side="left",
            add_special_tokens=False,
            return_tensors="pt",
        )
        ids = generate(
            **batch,
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            num_return_sequences=samples,
            max_new_tokens=MAX_NEW_TOKENS,
        )
        completions = ids[:, batch["input_ids"].shape[1] :]
        texts += tokenizer.batch_decode(completions, skip_special_tokens=True)
    return [texts[i : i + samples] for i in range(0, len(texts), samples)]


def render_prompt(tokenizer: PreTrainedTokenizerBase, row: Row) -> str:
    """The exact text the model continues."""
    messages = prompt_messages(row)
    return str(tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


def has_format(completion: str) -> bool:
    """Whether the built-in format reward pays for it."""
    return grade_format(completion, {}).score == 1


def is_correct(completion: str, row: Row) -> bool:
    """Whether the built-in equation reward pays for it."""
    return grade_equation(completion, {"nums": row.nums, "target": row.target}).score == 1


def _share(per_prompt: Sequence[float]) -> Share:
    n = len(per_prompt)
    mean = sum(per_prompt) / n
    variance = sum((value - mean) ** 2 for value in per_prompt) / (n - 1)
    half = 1.96 * math.sqrt(variance / n)
    return Share(round(mean, 4), round(max(0.0, mean - half), 4), round(min(1.0, mean + half), 4))


def main() -> None:
    """Measure one embedded model, or any folder with the same prompt format, on both settings."""
    parser = argparse.ArgumentParser(description="Measure an embedded base model.")
    parser.add_argument("task", choices=["countdown"])
    parser.add_argument("--folder", type=Path, help="weights elsewhere than in the package")
    parser.add_argument("--prompts", type=int, default=200)
    options = parser.parse_args()
    folder = options.folder or EMBEDDED_MODELS[f"embedded/{options.task}"]
    torch.set_num_threads(1)
    for largest in (99, 20):
        print(json.dumps(asdict(measure(folder, options.prompts, largest=largest))), flush=True)


if __name__ == "__main__":
    main()
