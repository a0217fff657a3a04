"""How each embedded base model is made: its text and every number that decides its weights.

`pretrain.py` follows a recipe, and writes it beside the weights. No torch is needed to read one.
"""

from dataclasses import dataclass
from typing import Any

from rft_core.embedded.countdown_text import COUNTDOWN_TEXT
from rft_core.embedded.text_source import TextSource
from rft_core.embedded.triton_text import TRITON_TEXT


@dataclass(frozen=True)
class Recipe:
    """A small Llama and its training. The defaults are what suited both models."""

    text: TextSource
    seed: int = 20
    steps: int = 2600
    prompts_per_batch: int = 14
    completions_per_prompt: int = 4
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
    longest_completion: int = 128  # tokens; what the base is measured with

    @property
    def settings(self) -> dict[str, Any]:
        """All but the text."""
        return {name: value for name, value in vars(self).items() if name != "text"}


RECIPES: dict[str, Recipe] = {
    "countdown": Recipe(COUNTDOWN_TEXT),
    "triton": Recipe(
        TRITON_TEXT, steps=1800, prompts_per_batch=28, completions_per_prompt=2, vocab_size=768
    ),
}
