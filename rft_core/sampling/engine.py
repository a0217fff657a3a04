"""What every engine can do: sample groups of completions, and stream lanes side by side.

The transformers engine runs everywhere; the vLLM engine needs a GPU. Both hold one base model and
switch LoRA adapters on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from rft_core.sampling.service.messages import (
    Lane,
    LaneDone,
    RenderedPrompt,
    SamplingParams,
    TextDelta,
    TokensRead,
)
from rft_core.types import Completion, Messages

Checkpoint = Callable[[], None]  # called after every token; raises to stop the sampling


def carry_on() -> None:
    """The checkpoint of those who never cancel."""


class Engine(Protocol):
    """A resident base model. `adapter` is a folder with a LoRA adapter; None is the base itself."""

    model_name: str

    @property
    def adapters(self) -> tuple[str, ...]:
        """Adapters in memory, the most recently used last."""

    def render(self, messages: Messages, params: SamplingParams) -> RenderedPrompt:
        """The exact prompt of `messages`."""

    def sample(
        self,
        prompts: Sequence[Messages],
        n: int,
        params: SamplingParams,
        adapter: Path | None = None,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[tuple[int, list[Completion]]]:
        """(index of the prompt, its `n` completions), each group as soon as it is complete."""

    def stream(
        self,
        messages: Messages,
        lanes: Sequence[Lane],
        params: SamplingParams,
        checkpoint: Checkpoint = carry_on,
    ) -> Iterator[TextDelta | LaneDone]:
        """One completion per lane, all lanes advancing together; see `Lane`."""

    def read_tokens(self, prompt: str, completion: str, adapter: Path | None = None) -> TokensRead:
        """What the adapter, and the base, made of a completion behind the exact string `prompt`."""
