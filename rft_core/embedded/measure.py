"""Sample an embedded model on held-out rows and report what it can and cannot do yet.

`python -m rft_core.embedded.measure countdown` prints, for each of the model's tasks, the shares of
right, flagged and prompt-solving completions with their 95% intervals. It measures a base model at
temperature 1; comparing runs is the business of `rft_core.evaluation`.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from rft_core.embedded import EMBEDDED_MODELS
from rft_core.embedded.recipes import RECIPES
from rft_core.rewards.contract import Batch, Scored
from rft_core.rewards.deciding import is_right
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.loading.models import load_base
from rft_core.sampling.service.messages import SamplingParams
from rft_core.sampling.transformers_engine import TransformersEngine
from rft_core.statistics import mean_interval
from rft_core.tasks.task import Task
from rft_core.types import Completion, Row

HELD_OUT_SEED = 7_000


@dataclass(frozen=True)
class Share:
    """A mean over prompts with its 95% interval: completions of one prompt are not independent."""

    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Measured:
    """What a model does with held-out rows of one task."""

    task: str
    prompts: int
    samples: int
    correct: Share
    pass_at_k: Share  # k = samples
    rewards: dict[str, Share]  # the mean of each reward function
    flagged: Share
    truncated: Share
    mean_tokens: float


def measure(
    folder: Path, task: Task, prompts: int = 200, samples: int = 8, max_tokens: int = 128
) -> Measured:
    """Sample `prompts` x `samples` completions at temperature 1 and score them."""
    rows = task.held_out(prompts, HELD_OUT_SEED)
    groups = sample_completions(folder, task, rows, samples, max_tokens)
    scored = score_completions(task, rows, groups)
    right = [[bool(is_right(task.reward_set, one)) for one in group] for group in scored]
    lengths = [len(one.token_ids) for group in groups for one in group]
    return Measured(
        task=task.name,
        prompts=prompts,
        samples=samples,
        correct=_share(right),
        pass_at_k=_share([[any(group)] for group in right]),
        rewards={
            name: _share([[one.scores[name] or 0.0 for one in group] for group in scored])
            for name in task.reward_set.names
        },
        flagged=_share([[bool(one.flags) for one in group] for group in scored]),
        truncated=_share([[one.truncated for one in group] for group in groups]),
        mean_tokens=round(sum(lengths) / len(lengths), 1),
    )


def sample_completions(
    folder: Path, task: Task, rows: Sequence[Row], samples: int, max_tokens: int
) -> list[list[Completion]]:
    """`samples` completions per row at temperature 1, in the order of the rows."""
    engine = TransformersEngine(str(folder), *load_base(str(folder)))
    params = SamplingParams(max_completion_length=max_tokens, seed=HELD_OUT_SEED)
    prompts = [task.prompt(row) for row in rows]
    return [group for _, group in engine.sample(prompts, samples, params)]


def score_completions(
    task: Task, rows: Sequence[Row], groups: Sequence[Sequence[Completion]]
) -> list[list[Scored]]:
    """What the task's own rewards say, in the groups' shape."""
    batch = Batch(
        prompts=[task.prompt(row) for row, group in zip(rows, groups, strict=True) for _ in group],
        completions=[completion.text for group in groups for completion in group],
        rows=[row for row, group in zip(rows, groups, strict=True) for _ in group],
        completion_ids=[completion.token_ids for group in groups for completion in group],
    )
    with Scorer(task.reward_set, timeout=600) as scorer:
        scored = iter(scorer.score(batch).samples)
    return [[next(scored) for _ in group] for group in groups]


def _share(groups: Sequence[Sequence[float]]) -> Share:
    shares = [sum(group) / len(group) for group in groups]
    low, high = mean_interval(shares)
    return Share(round(sum(shares) / len(shares), 4), round(low, 4), round(high, 4))


def main() -> None:
    """Measure one embedded model, or any folder with the same prompt format, on all its tasks."""
    parser = argparse.ArgumentParser(description="Measure an embedded base model.")
    parser.add_argument("model", choices=list(RECIPES))
    parser.add_argument("--folder", type=Path, help="weights elsewhere than in the package")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--samples", type=int, default=8)
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.folder or EMBEDDED_MODELS[f"embedded/{options.model}"]
    recipe = RECIPES[options.model]
    for task in recipe.text.tasks:
        figures = measure(folder, task, options.prompts, options.samples, recipe.longest_completion)
        print(json.dumps(asdict(figures)), flush=True)


if __name__ == "__main__":
    main()
