"""What a row may not write next, or is less likely to, because of what it has read and written.

The rules are transformers' own (its logits processors of these names), in its order, and over the
same tokens: prompt and completion, without padding. They change the logits before temperature.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from rft_core.sampling.sampling_params import SamplingParams


class TokenRules:
    """Of one batch, whose rows leave it as they finish: `keep` says which stay, in which order."""

    def __init__(
        self, prompts: Sequence[Sequence[int]], params: SamplingParams, end_tokens: frozenset[int]
    ) -> None:
        self._params, self._ends = params, sorted(end_tokens)
        self._histories = [list(prompt) for prompt in prompts]
        self._written = 0  # tokens of each row's completion
        self._seen: torch.Tensor | None = None  # [rows, vocabulary]: whether a token has come

    @staticmethod
    def are_needed(params: SamplingParams) -> bool:
        return (
            params.repetition_penalty != 1
            or params.no_repeat_ngram_size > 0
            or params.min_new_tokens > 0
            or bool(params.suppress_tokens)
        )

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits [rows, vocabulary] of each row's next token under the rules, in float32."""
        params, logits = self._params, logits.float()
        if params.repetition_penalty != 1:
            logits = self._penalise(logits)
        if params.no_repeat_ngram_size:
            logits = logits.clone()
            for place, history in enumerate(self._histories):
                logits[place, _list_followers(history, params.no_repeat_ngram_size)] = -torch.inf
        forbidden = self._ends if self._written < params.min_new_tokens else []
        forbidden = [*forbidden, *(t for t in params.suppress_tokens if t < logits.shape[-1])]
        if forbidden:
            at = torch.tensor(forbidden, device=logits.device)
            logits = logits.index_fill(1, at, -torch.inf)
        return logits

    def add(self, tokens: torch.Tensor) -> None:
        """The token that each row [rows] has just been given."""
        self._written += 1
        for history, token in zip(self._histories, tokens.tolist(), strict=True):
            history.append(token)
        if self._seen is not None:
            self._seen.scatter_(1, tokens[:, None], True)

    def keep(self, places: torch.Tensor) -> None:
        self._histories = [self._histories[place] for place in places.tolist()]
        if self._seen is not None:
            self._seen = self._seen[places]

    def _penalise(self, logits: torch.Tensor) -> torch.Tensor:
        """A positive logit is divided by the penalty, a negative one multiplied."""
        if self._seen is None:
            self._seen = torch.zeros_like(logits, dtype=torch.bool)
            for place, history in enumerate(self._histories):
                self._seen[place, history] = True
        penalty = self._params.repetition_penalty
        penalised = torch.where(logits < 0, logits * penalty, logits / penalty)
        return torch.where(self._seen, penalised, logits)


def _list_followers(history: Sequence[int], size: int) -> list[int]:
    """The tokens that would make the last `size` tokens a sequence that has come before."""
    last = history[len(history) - size + 1 :]
    if len(history) + 1 < size:
        return []
    return [
        history[at + size - 1]
        for at in range(len(history) - size + 1)
        if history[at : at + size - 1] == last
    ]
