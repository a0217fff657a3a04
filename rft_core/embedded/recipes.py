"""How each embedded base model is made: its text and every number that decides its weights.

`pretrain.py` follows a recipe, and writes it beside the weights. No torch is needed to read one.
"""

from dataclasses import dataclass, replace
from typing import Any

from rft_core.embedded.countdown_text import COUNTDOWN_FIRST_TEXT, COUNTDOWN_TEXT
from rft_core.embedded.text_source import TextSource
from rft_core.embedded.triton_text import TRITON_TEXT
from rft_core.embedded.word_problems_text import WORD_PROBLEMS_TEXT


@dataclass(frozen=True)
class Recipe:
    """A small Llama and its training. The defaults are what suited both models."""

    text: TextSource
    after: "Recipe | None" = None  # whose model and tokenizer this one goes on from
    seed: int = 20
    steps: int = 2600
    drill_every: int = 0  # so many-th batch is practice without a prompt; 0: none
    prompts_per_batch: int = 14
    completions_per_prompt: int = 4
    learning_rate: float = 2e-3
    muon_learning_rate: float = 0.0  # for the layers' matrices; 0: AdamW for all
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
        """All but the text; those of the recipe before it come first."""
        own = {name: value for name, value in vars(self).items() if name not in ("text", "after")}
        return {"after": self.after.settings, **own} if self.after else own


_STORIES = Recipe(
    WORD_PROBLEMS_TEXT,
    steps=1300,
    prompts_per_batch=16,
    completions_per_prompt=2,
    learning_rate=3e-3,
    vocab_size=768,
)
RECIPES: dict[str, Recipe] = {
    "countdown": Recipe(
        COUNTDOWN_TEXT,
        after=Recipe(COUNTDOWN_FIRST_TEXT),
        seed=21,
        steps=2000,
        drill_every=2,
        prompts_per_batch=7,
        completions_per_prompt=8,
        learning_rate=1e-3,
        muon_learning_rate=0.01,
        warmup_steps=30,
    ),
    "triton": Recipe(
        TRITON_TEXT, steps=1800, prompts_per_batch=28, completions_per_prompt=2, vocab_size=768
    ),
    "word_problems": replace(
        _STORIES,
        after=_STORIES,
        seed=21,
        steps=2000,
        drill_every=2,
        learning_rate=1e-3,
        muon_learning_rate=0.01,
        warmup_steps=30,
    ),
}
