"""How much data does each way of training need? Countdown with 10, 100 and 1,000 prompts.

After Predibase's experiment: reinforcement fine-tuning was 18% above the base with 10 examples and
60% with 100, where supervised fine-tuning fell below the base. Those figures are of a 7B model;
what is tested here is their order, on the small model that ships.
"""

from __future__ import annotations

from rft_core.evaluation.known import BASE
from rft_core.experiments.design import Arm, Block, Claim, Experiment

GRPO, SFT, ANSWERS = "grpo", "sft_reasoning", "sft_answers"

CLAIMS = (
    Claim("With 10 prompts GRPO beats the base.", "10", GRPO, BASE),
    Claim("With 100 prompts GRPO beats SFT by 10 points.", "100", GRPO, SFT, 0.10),
    Claim("With 100 prompts the base stays above SFT on answers.", "100", BASE, ANSWERS),
    Claim("With 1,000 prompts GRPO still beats SFT.", "1000", GRPO, SFT),
)


def make_experiment(*, quick: bool) -> Experiment:
    """Quick: the same arms with 10 prompts, two steps each, one seed."""
    sizes = (10,) if quick else (10, 100, 1000)
    return Experiment(
        design="countdown-data",
        quick=quick,
        title="Countdown data",
        question="With 10, 100 and 1,000 prompts: is it better to imitate solutions, or to try?",
        blocks=tuple(_make_block(size, quick) for size in sizes),
        claims=CLAIMS,
        seeds=(0,) if quick else (0, 1, 2),
        num_prompts=10 if quick else 200,
        k=2 if quick else 4,
        size_name="prompts to train on",
    )


def _make_block(size: int, quick: bool) -> Block:
    steps, examples = (2 if quick else 120), (8 if size < 64 else 32)
    shared = {
        "max_completion_length": 144, "eval_steps": 0, "save_steps": 0, "num_validation_prompts": 8,
    }  # fmt: skip
    imitate = {
        "method": "sft", "max_steps": steps, "per_device_train_batch_size": examples,
    }  # fmt: skip
    arms = (
        Arm(ANSWERS, "SFT on answers", {**imitate, "gold_reasoning": False}),
        Arm(SFT, "SFT with reasoning", imitate),
        Arm(GRPO, "GRPO", {"method": "grpo", "max_steps": steps}),
    )
    settings = {"task": "countdown", "num_prompts": size, **shared}
    return Block(str(size), f"{size:,} prompts", settings, arms, size)
