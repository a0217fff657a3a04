"""Rebuild an embedded base model from nothing: `python -m rft_core.embedded.pretrain countdown`.

Writes text, trains the tokenizer and a small Llama on it, measures the result on held-out rows,
and leaves a folder that AutoTokenizer and AutoModelForCausalLM load. One seed decides everything;
on another CPU the last digits of the weights may differ.
"""

import argparse
import json
import math
import random
import time
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, PreTrainedTokenizerFast

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.countdown_text import TextSample, sample_text
from rft_core.embedded.measure import Measured, measure
from rft_core.embedded.packing import iterate_batches
from rft_core.embedded.tokenizer import train_tokenizer

AVERAGED = 64  # steps over which the printed loss is a mean: lengths differ between batches
DATA_STATEMENT = (
    "All text was written by a seeded program (countdown_text.py): random Countdown rows, true "
    "arithmetic, and injected faults. No other text, and none by a person or another model, was "
    "used. One multiset of three numbers in eight is held out, and so is 15, 74, 9."
)
COMMAND = "python -m rft_core.embedded.pretrain countdown"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 20
    steps: int = 2600
    prompts_per_batch: int = 14  # of four completions each
    learning_rate: float = 2e-3
    warmup_steps: int = 100
    weight_decay: float = 0.05
    vocab_size: int = 512
    hidden_size: int = 128
    intermediate_size: int = 384
    layers: int = 4
    heads: int = 4
    key_value_heads: int = 2
    context: int = 512
    tokenizer_texts: int = 3000


def pretrain(recipe: Recipe, out: Path) -> None:
    """Train tokenizer and model as the recipe says and write both to `out`."""
    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    tokenizer = train_tokenizer(
        (_plain(sample_text(rng)) for _ in range(recipe.tokenizer_texts)), recipe.vocab_size
    )
    model = new_model(recipe, tokenizer)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} tokens", flush=True)
    train(model, tokenizer, recipe, rng)
    tokenizer.save_pretrained(out)
    model.save_pretrained(out)


def new_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """A Llama with random weights and tied embeddings."""
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden_size,
        intermediate_size=recipe.intermediate_size,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.key_value_heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        initializer_range=recipe.hidden_size**-0.5 / 2,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    # On a CPU, at these lengths, plain attention in bfloat16 took half the time of the fused one.
    model: PreTrainedModel = AutoModelForCausalLM.from_config(  # type: ignore[no-untyped-call]
        config, attn_implementation="eager"
    )
    return model


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    recipe: Recipe,
    rng: random.Random,
) -> None:
    """AdamW with warm-up and a cosine to zero; the loss counts completion tokens only."""
    optimizer = torch.optim.AdamW(
        model.parameters(),
        recipe.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=recipe.weight_decay,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, recipe))
    batches = iterate_batches(tokenizer, recipe.prompts_per_batch, rng)
    losses: deque[float] = deque(maxlen=AVERAGED)
    started = time.monotonic()
    for step in range(1, recipe.steps + 1):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**next(batches)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        if step % 50 == 0:
            mean, seconds = sum(losses) / len(losses), time.monotonic() - started
            print(f"step {step}/{recipe.steps} loss {mean:.4f} {seconds:.0f}s", flush=True)


def _rate(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


def _plain(sample: TextSample) -> str:
    return f"{sample.messages[0]['content']}\n{sample.completion}"


def write_recipe(recipe: Recipe, out: Path, cpu_minutes: float) -> None:
    """Measure the weights in `out` and write recipe.json, for programs, and RECIPE.md beside it."""
    figures = [measure(out, largest=largest) for largest in (99, 20)]
    facts = {
        "recipe": asdict(recipe),
        "data": DATA_STATEMENT,
        "measured": [asdict(f) for f in figures],
    }
    (out / "recipe.json").write_text(json.dumps(facts, indent=2) + "\n")
    settings = "\n".join(f"| {name} | {value} |" for name, value in asdict(recipe).items())
    rows = "\n".join(_figures_row(shares) for shares in figures)
    (out / "RECIPE.md").write_text(
        "# Countdown base model\n\n"
        f"Rebuild with `{COMMAND}` ({cpu_minutes:.0f} CPU minutes).\n\n"
        f"{DATA_STATEMENT}\n\n"
        "## Measured\n\nTemperature 1, held-out rows, share and 95% interval.\n\n"
        "| numbers | prompts x samples | correct | pass@k | format |\n|---|---|---|---|---|\n"
        f"{rows}\n\n## Recipe\n\n| setting | value |\n|---|---|\n{settings}\n"
    )


def _figures_row(figures: Measured) -> str:
    shares = (figures.correct, figures.pass_at_k, figures.format)
    cells = " | ".join(f"{s.share:.1%} ({s.low:.1%} to {s.high:.1%})" for s in shares)
    return f"| 1-{figures.largest} | {figures.prompts} x {figures.samples} | {cells} |"


def main() -> None:
    """Rebuild the weights, in the package unless told otherwise."""
    parser = argparse.ArgumentParser(description="Rebuild an embedded base model from nothing.")
    parser.add_argument("task", choices=["countdown"])
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--out", type=Path, help="another folder than the one that is shipped")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = Recipe(steps=options.steps)
    out = options.out or EMBEDDED_MODELS[f"embedded/{options.task}"]
    started = time.process_time()
    pretrain(recipe, out)
    write_recipe(recipe, out, (time.process_time() - started) / 60)


if __name__ == "__main__":
    main()
