"""Which of its own completions a policy learns from, and beside what."""

from typing import Literal

from rft_core.config.fields import declare
from rft_core.config.settings.frozen import Frozen


class SelfTrainingSettings(Frozen):
    selection: Literal["correct", "random"] = declare(
        "Policy update", "correct",
        "Which completions are learned: the distinct right ones, or (the control) as many of each "
        "prompt at random, right or not.",
        methods=("self_training",),
    )  # fmt: skip
    max_correct_per_prompt: int = declare(
        "Policy update", 10, "Most completions learned of one prompt, lest the easy ones dominate.",
        methods=("self_training",), ge=1, le=256,
    )  # fmt: skip
    gold_share: float = declare(
        "Policy update", 0.5,
        "Share of the loss that is over the gold completions of the step's prompts; the rest is "
        "over the policy's own. 0: its own alone, and no gold is needed.",
        methods=("online_st",), ge=0, le=1,
    )  # fmt: skip
