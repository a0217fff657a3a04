"""The small base models that ship with the project, one folder of weights per task.

Each was trained from scratch on synthetic, deliberately imperfect text by `pretrain.py` in this
package, so that reinforcement learning on two CPU cores has something to sharpen. This module
only says where they are: it imports no torch, and loads nothing.
"""

from pathlib import Path

EMBEDDED_MODELS: dict[str, Path] = {
    "embedded/countdown": Path(__file__).resolve().parent / "countdown",
    "embedded/triton": Path(__file__).resolve().parent / "triton",
    "embedded/word_problems": Path(__file__).resolve().parent / "word_problems",
}
