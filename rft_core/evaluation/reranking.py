"""What picks the best of k samples: a score for each, given without a look at the right answer.

A reward model is such a score; so is the length of the text, which costs nothing and which a reward
model has to beat. `find_reranker` is the one place where a name becomes a score.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import BadInputError
from rft_core.store.adapters import get_reward_model
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, get_run
from rft_core.types import Messages

# (prompts, completions), one of each per sample -> a score per sample; the highest is picked
Score = Callable[[Sequence[Messages], Sequence[str]], list[float]]


@dataclass(frozen=True)
class Reranker:
    """`id`: the hash of what the scores depend on; stored scores are known by it."""

    name: str
    id: str
    score: Score


def _prefer_short(prompts: Sequence[Messages], completions: Sequence[str]) -> list[float]:
    return [-float(len(completion)) for completion in completions]


def _prefer_long(prompts: Sequence[Messages], completions: Sequence[str]) -> list[float]:
    return [float(len(completion)) for completion in completions]


LENGTHS: dict[str, Score] = {"shortest": _prefer_short, "longest": _prefer_long}

# The method whose runs can score -> "module:function", called with (runs folder, run id) for the
# `Score` of that run. Named as text, as trainers are: torch is for whoever scores. The function
# may not load it into its own process, which can be the dashboard's: it asks another one.
SCORING_METHODS: dict[str, str] = {
    "reward_model": "rft_core.sampling.reward_process:open_for_reranking"
}


def find_reranker(runs_dir: Path, name: str) -> Reranker:
    """`shortest`, `longest`, or the id of a run whose method scores completions.

    Raises `NotFoundError` for no such run, `BadInputError` for a run of another method.
    """
    if name in LENGTHS:
        return Reranker(name, name, LENGTHS[name])
    with open_index(runs_dir) as index:
        run = get_run(index, name)
    method = find_scoring_method(run)
    if method is None:
        raise BadInputError(
            f"Run '{name}' cannot rerank answers",
            f"It was trained by {run.config.method_titles[-1]}, and only a run of the method "
            "reward_model scores them",
            f"Name such a run, or {' or '.join(LENGTHS)} to pick by length",
        )
    module, _, function = SCORING_METHODS[method].partition(":")
    load = getattr(importlib.import_module(module), function)
    adapter = get_reward_model(runs_dir, name)
    weights = hashlib.sha256()
    for path in sorted(adapter.path.glob("*.safetensors")):
        with path.open("rb") as file:
            weights.update(hashlib.file_digest(file, "sha256").digest())
    return Reranker(name, weights.hexdigest(), load(runs_dir, name))


def list_rerankers(runs: Sequence[RunRow]) -> list[str]:
    """Names that `find_reranker` takes, the runs among them first."""
    return [*(run.id for run in runs if find_scoring_method(run)), *LENGTHS]


def find_scoring_method(run: RunRow) -> str | None:
    """Of its stages the one whose outcome scores; None: they all leave policies."""
    return next((m.name for m in run.config.methods if m.name in SCORING_METHODS), None)
