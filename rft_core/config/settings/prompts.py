"""What is learned from, and what judges it."""

from rft_core.config.fields import GIVEN, Options, OrNone, declare
from rft_core.config.settings.frozen import Frozen


class PromptSettings(Frozen):
    task: str = declare(
        "Prompts and rewards", "countdown", "Built-in task, or 'custom'.", max_length=200
    )
    prompt_set: OrNone[str] = declare(
        "Prompts and rewards", None, "Stored prompt set; empty: the task's own prompts."
    )
    reward_set: OrNone[str] = declare(
        "Prompts and rewards",
        None,
        "Stored reward set, or others of the task's by name (`tasks`); empty: its own.",
    )
    pair_set: OrNone[str] = declare(
        "Prompts and rewards", None, "Stored pair set: which of two answers is preferred.",
        methods=("pairs",),
    )  # fmt: skip
    num_prompts: int = declare(
        "Prompts and rewards", 4000, "Training prompts to draw from the task.", ge=1, le=100_000
    )
    num_validation_prompts: int = declare(
        "Prompts and rewards", 64,
        "Prompts to validate on, never trained on; of a stored set's, as many are drawn once.",
        ge=0, le=10_000,
    )  # fmt: skip
    gold_column: OrNone[str] = declare(
        "Prompts and rewards", None,
        "Column with the completions to learn from; empty: the chat's last turn, or what the task "
        "writes.",
        methods=GIVEN, max_length=200,
    )  # fmt: skip
    gold_reasoning: bool = declare(
        "Prompts and rewards", True,
        "Learn the reasoning (<think>) of the examples too; off: their answers alone.",
        methods=GIVEN,
    )  # fmt: skip
    chat_template_kwargs: Options = declare(
        "Prompts and rewards", {},
        "What the model's chat template is told besides the messages: enable_thinking=false.",
        advanced=True,
    )  # fmt: skip
