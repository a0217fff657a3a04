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
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedModel, PreTrainedTokenizerFast

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.measure import Measured, Share, measure
from rft_core.embedded.packing import iterate_batches
from rft_core.embedded.recipes import RECIPES, Recipe
from rft_core.embedded.text_source import TextSample
from rft_core.embedded.tokenizer import train_tokenizer

AVERAGED = 64  # steps over which the printed loss is a mean: lengths differ between batches


def pretrain(recipe: Recipe, out: Path) -> None:
    """Train tokenizer and model as the recipe says and write both to `out`."""
    model, tokenizer = make_model(recipe)
    tokenizer.save_pretrained(out)
    model.save_pretrained(out)


def make_model(recipe: Recipe) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The trained model and its tokenizer, after what the recipe before it has made."""
    before = make_model(recipe.after) if recipe.after else None
    rng = random.Random(recipe.seed)
    torch.manual_seed(recipe.seed)
    model, tokenizer = before or _begin(recipe, rng)
    print(f"{model.num_parameters():,} parameters, {len(tokenizer)} tokens", flush=True)
    train(model, tokenizer, recipe, rng)
    return model, tokenizer


def _begin(recipe: Recipe, rng: random.Random) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    texts = (_plain(recipe.text.sample_text(rng)) for _ in range(recipe.tokenizer_texts))
    tokenizer = train_tokenizer(texts, recipe.vocab_size, recipe.text.tags, recipe.text.pieces)
    return new_model(recipe, tokenizer), tokenizer


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
    """Warm-up and a cosine to zero. The loss skips what is given."""
    optimizers = new_optimizers(model, recipe)
    schedules = [LambdaLR(optimizer, lambda step: _rate(step, recipe)) for optimizer in optimizers]
    batches = iterate_batches(recipe, tokenizer, rng)
    losses: deque[float] = deque(maxlen=AVERAGED)
    started = time.monotonic()
    for step in range(1, recipe.steps + 1):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(**next(batches)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, schedule in zip(optimizers, schedules, strict=True):
            optimizer.step()
            schedule.step()
        model.zero_grad()
        losses.append(loss.item())
        if step % 50 == 0:
            mean, seconds = sum(losses) / len(losses), time.monotonic() - started
            print(f"step {step}/{recipe.steps} loss {mean:.4f} {seconds:.0f}s", flush=True)


def _rate(step: int, recipe: Recipe) -> float:
    if step < recipe.warmup_steps:
        return (step + 1) / recipe.warmup_steps
    done = (step - recipe.warmup_steps) / max(1, recipe.steps - recipe.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


def new_optimizers(model: PreTrainedModel, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """AdamW; with a rate for Muon, that for the layers' matrices and AdamW for the rest.

    Muon (Jordan et al. 2024) makes each update of a matrix orthogonal: the arithmetic came in half
    the steps.
    """
    matrices = [
        weight
        for name, weight in model.named_parameters()
        if recipe.muon_learning_rate and weight.ndim == 2 and "embed" not in name
    ]
    others = [weight for weight in model.parameters() if not any(weight is m for m in matrices)]
    decay = recipe.weight_decay
    adamw = torch.optim.AdamW(others, recipe.learning_rate, betas=(0.9, 0.98), weight_decay=decay)
    if not matrices:
        return [adamw]
    return [torch.optim.Muon(matrices, recipe.muon_learning_rate, weight_decay=decay), adamw]


def _plain(sample: TextSample) -> str:
    return "\n".join([*(message["content"] for message in sample.messages), sample.completion])


def write_recipe(name: str, recipe: Recipe, out: Path, cpu_minutes: float) -> None:
    """Measure the weights in `out` and write recipe.json, for programs, and RECIPE.md beside it."""
    figures = [
        measure(out, task, max_tokens=recipe.longest_completion) for task in recipe.text.tasks
    ]
    facts = {
        "recipe": recipe.settings,
        "data": recipe.text.origin,
        "measured": [asdict(f) for f in figures],
    }
    (out / "recipe.json").write_text(json.dumps(facts, indent=2) + "\n")
    (out / "RECIPE.md").write_text(
        f"# {recipe.text.tasks[0].title} base model\n\n"
        f"Rebuild with `python -m rft_core.embedded.pretrain {name}` ({cpu_minutes:.0f} CPU "
        f"minutes).\n\n{recipe.text.origin}\n\n"
        "## Measured\n\nTemperature 1, held-out rows, share and 95% interval.\n\n"
        f"{_figures_table(figures)}\n\n"
        f"{_settings_tables(recipe)}"
    )


def _settings_tables(recipe: Recipe) -> str:
    """One for each recipe that was followed, the first one first."""
    own = {name: value for name, value in recipe.settings.items() if name != "after"}
    rows = "\n".join(f"| {key} | {value} |" for key, value in own.items())
    title = "Recipe, going on from the one above" if recipe.after else "Recipe"
    before = _settings_tables(recipe.after) + "\n" if recipe.after else ""
    return f"{before}## {title}\n\n| setting | value |\n|---|---|\n{rows}\n"


def _figures_table(figures: list[Measured]) -> str:
    names = list(figures[0].rewards)
    head = ["task", "prompts x samples", "correct", "pass@k", *names, "flagged"]
    lines = [head, ["---"] * len(head)]
    for f in figures:
        shares = [f.correct, f.pass_at_k, *(f.rewards[name] for name in names), f.flagged]
        lines.append([f.task, f"{f.prompts} x {f.samples}", *map(_percent, shares)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _percent(share: Share) -> str:
    return f"{share.share:.1%} ({share.low:.1%} to {share.high:.1%})"


def main() -> None:
    """Rebuild the weights, in the package unless told otherwise."""
    parser = argparse.ArgumentParser(description="Rebuild an embedded base model from nothing.")
    parser.add_argument("model", choices=list(RECIPES))
    parser.add_argument("--steps", type=int, help="another number than the recipe's")
    parser.add_argument("--out", type=Path, help="another folder than the one that is shipped")
    options = parser.parse_args()
    torch.set_num_threads(1)
    recipe = RECIPES[options.model]
    recipe = replace(recipe, steps=options.steps or recipe.steps)
    out = options.out or EMBEDDED_MODELS[f"embedded/{options.model}"]
    started = time.process_time()
    pretrain(recipe, out)
    write_recipe(options.model, recipe, out, (time.process_time() - started) / 60)


if __name__ == "__main__":
    main()
