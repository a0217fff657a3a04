"""A reward model: a base model with a LoRA adapter and, outside of it, a head that scores answers.

The score of an answer is a linear map of what the adapted model makes of its last token, after the
prompt as every method reads it and the answer with its end token. The head stays outside PEFT, in
float32 and in a file of its own: kept among an adapter's `modules_to_save`, heads have been left
untrained or dropped without a word, and such adapters load nowhere else. It begins at zero: every
answer scores 0 and the first loss is log 2.

Scores have no scale of their own. With the head lie their mean and standard deviation over answers
of the training pairs; `RewardModel.score` gives distances from that mean in standard deviations.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from rft_core.errors import BadInputError, ModelUnavailableError
from rft_core.paths import SCORE_HEAD_FILE
from rft_core.sampling.chat_template import render_prompt
from rft_core.sampling.end_tokens import find_end_token, get_end_tokens
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.settings import Dtype
from rft_core.types import Messages

AT_ONCE = 64  # answers in one forward pass
SMALLEST_SPREAD = 1e-6  # of scores; below it they are one score, and have no unit


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of a reward model's raw scores."""

    mean: float = 0.0
    std: float = 1.0

    @classmethod
    def of(cls, scores: torch.Tensor) -> Scale:
        """Raises nothing: of too few or equal scores the unit stays 1."""
        std = float(scores.std()) if scores.numel() > 1 else 0.0
        return cls(float(scores.mean()), std if std > SMALLEST_SPREAD else 1.0)


class ScoreHead(torch.nn.Module):
    """From the last hidden state of an answer to its raw score; in float32 whatever the base is."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(width))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """`hidden`: (answers, width). Returns (answers,)."""
        with torch.autocast(hidden.device.type, enabled=False):
            return hidden.float() @ self.weight


def read_width(model: Any) -> int:
    return int(model.config.get_text_config().hidden_size)


def score_batch(
    model: Any, head: ScoreHead, input_ids: torch.Tensor, attention_mask: torch.Tensor
) -> torch.Tensor:
    """Raw scores of right-padded rows of tokens, (rows,), with their gradient.

    The body of the model is run alone: nobody asks for the next token.
    """
    causal: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    hidden = causal.base_model(
        input_ids=input_ids, attention_mask=attention_mask, use_cache=False
    ).last_hidden_state
    last = attention_mask.sum(dim=1) - 1
    scores: torch.Tensor = head(hidden[torch.arange(len(hidden), device=hidden.device), last])
    return scores


def save_head(folder: Path, head: ScoreHead, scale: Scale, dtype: torch.dtype) -> None:
    """`dtype`: of the base weights that it has been trained on."""
    save_file(
        {
            "weight": head.weight.detach().float().cpu().contiguous(),
            "mean": torch.tensor(scale.mean, dtype=torch.float64),
            "std": torch.tensor(scale.std, dtype=torch.float64),
        },
        folder / SCORE_HEAD_FILE,
        metadata={"dtype": str(dtype).removeprefix("torch.")},
    )


def load_head(folder: Path, head: ScoreHead) -> Scale:
    """Put what lies in `folder` into the head. Raises ModelUnavailableError if it is not there."""
    try:
        saved = load_file(folder / SCORE_HEAD_FILE)
        with torch.no_grad():
            head.weight.copy_(saved["weight"])
        return Scale(float(saved["mean"]), float(saved["std"]))
    except (OSError, KeyError, RuntimeError) as error:
        raise _not_a_reward_model(folder, error) from error


def _read_base(folder: Path) -> tuple[str, Dtype]:
    """The model that the adapter was put on, and the precision of its weights."""
    try:
        config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
        with safe_open(folder / SCORE_HEAD_FILE, framework="pt") as file:
            return config["base_model_name_or_path"], file.metadata()["dtype"]
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _not_a_reward_model(folder, error) from error


def _not_a_reward_model(folder: Path, error: Exception) -> ModelUnavailableError:
    return ModelUnavailableError(
        f"{folder} holds no reward model that can be used",
        str(error).strip().split("\n")[0][:300],
        "Choose a checkpoint of a run whose method is reward_model",
    )


class RewardModel:
    """A trained reward model, ready to score."""

    def __init__(self, model: Any, tokenizer: Any, head: ScoreHead, scale: Scale) -> None:
        self._model, self._tokenizer, self._head, self._scale = model, tokenizer, head, scale
        self._end = find_end_token(tokenizer, get_end_tokens(model, tokenizer))
        self._context = getattr(model.config.get_text_config(), "max_position_embeddings", None)

    @classmethod
    def load(cls, folder: Path) -> RewardModel:
        """`folder`: a checkpoint or the finished adapter of a reward model.

        Draws no random number: what trains beside it goes on as if it had not been loaded.
        """
        with torch.random.fork_rng():
            model, tokenizer = load_base(*_read_base(folder))
            head = ScoreHead(read_width(model))
            scale = load_head(folder, head)
            adapted = PeftModel.from_pretrained(model, str(folder))
        merged: Any = adapted.merge_and_unload() if model.dtype == torch.float32 else adapted
        device = "cuda" if torch.cuda.is_available() else "cpu"
        return cls(merged.to(device).eval(), tokenizer, head.to(device), scale)

    def score(self, messages: Sequence[Messages], completions: Sequence[str]) -> list[float]:
        """Of each completion as the answer to its messages, in standard deviations from the mean.

        Equal pairs of both are scored once. Raises BadInputError where one exceeds the context.
        """
        rows = [self._read(*pair) for pair in zip(messages, completions, strict=True)]
        unique = sorted(set(rows), key=len)  # rows of like length share a pass: less padding
        raw: dict[tuple[int, ...], float] = {}
        for start in range(0, len(unique), AT_ONCE):
            portion = unique[start : start + AT_ONCE]
            raw |= dict(zip(portion, self._score_rows(portion), strict=True))
        return [(raw[row] - self._scale.mean) / self._scale.std for row in rows]

    def _read(self, messages: Messages, completion: str) -> tuple[int, ...]:
        _, prompt = render_prompt(self._tokenizer, messages)
        answer = self._tokenizer(completion, add_special_tokens=False)["input_ids"]
        row = (*prompt, *answer, self._end)
        if self._context is not None and len(row) > self._context:
            raise BadInputError(
                f"An answer of {len(answer)} tokens is too long for the reward model",
                f"With its prompt it has {len(row)}, and the model's context is {self._context}",
                "Lower max_completion_length",
            )
        return row

    @torch.no_grad()
    def _score_rows(self, rows: Sequence[tuple[int, ...]]) -> list[float]:
        longest, device = max(map(len, rows)), self._head.weight.device
        ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=device)
        lengths = torch.tensor([len(row) for row in rows], device=device)
        mask = (torch.arange(longest, device=device) < lengths[:, None]).long()
        scores: list[float] = score_batch(self._model, self._head, ids, mask).tolist()
        return scores
