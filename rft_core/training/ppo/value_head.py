"""The value head: how much reward is still to come, read from the policy's last hidden state.

One row of weights and a bias in float32, zero at first. It stands outside of PEFT, with a file of
its own in each checkpoint, so that the adapter stays a plain one that anything can load. A run or a
stage that begins with a checkpoint of PPO begins with its head; all others begin with zeros.

A head of zeros promises the mean of the first rollout from the moment that there is one. Without
it, and with lambda below 1, a good completion seems to bring more the nearer a token is to its end,
where the reward comes; whitened, early tokens would be blamed and late ones praised, whatever was
right, until the values have caught up (Yuan et al., "What's Behind PPO's Collapse in Long-CoT?",
arXiv 2503.01491, where the values are trained beforehand for the same reason).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

HEAD_FILE = "value_head.safetensors"  # checkpoints keep it with the adapter: see `checkpoints.py`


class ValueHead(torch.nn.Linear):
    """States [..., width] of any precision to values [...] in float32."""

    def __init__(self, width: int, device: torch.device | str | None = None) -> None:
        super().__init__(width, 1, device=device, dtype=torch.float32)
        torch.nn.init.zeros_(self.weight)
        torch.nn.init.zeros_(self.bias)

    @property
    def promises_nothing(self) -> bool:
        return not (self.weight.any() or self.bias.any())

    def promise(self, value: float) -> None:
        """The same value of every state."""
        torch.nn.init.constant_(self.bias, value)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        with torch.autocast(states.device.type, enabled=False):
            return super().forward(states.float())[..., 0]


def save_value_head(head: ValueHead, folder: Path) -> None:
    save_file(head.state_dict(), folder / HEAD_FILE)


def load_value_head(head: ValueHead, folder: Path) -> bool:
    """Take over the head of a checkpoint. False, and nothing changed, where there is none."""
    path = folder / HEAD_FILE
    if not path.exists():
        return False
    head.load_state_dict(load_file(path))  # copied into the parameters that the optimizer holds
    return True
