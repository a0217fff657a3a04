"""Steps to record, as a Countdown run makes them: 64 scored completions of 8 prompts, and metrics.

Prompts, scores, reasons, flags, advantages and the metrics of rewards come from the code that a run
uses. Drawn are the thoughts, from a list of words to a length of about 400 characters, and the
numbers that training would have given: loss, KL and the like.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from rft_core.config import make_config
from rft_core.jobs.pinning import make_task_prompt_set
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import Batch
from rft_core.rewards.sampled_batch import SampledBatch, summarise
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.loading.models import load_tokenizer
from rft_core.store.run_writer import PromptRecord
from rft_core.tasks import get_task
from rft_core.training.prompts import make_training_prompts

GROUPS, GROUP = 8, 8
COMPLETIONS = GROUPS * GROUP
ROOM = 130  # tokens; a completion that fills it counts as cut off
WORDS = (
    "the a number equals so we try add times minus divide think "
    "carefully result not right yes then again step answer total left gives"
)


@dataclass(frozen=True)
class RecordedStep:
    """What a training step leaves to record: `batch` in groups, `prompts` one per group."""

    metrics: dict[str, float]
    batch: SampledBatch
    advantages: list[float]
    prompts: list[PromptRecord]

    def list_rows(self) -> list[dict[str, object]]:
        """One flat row per completion, for trackers that know tables or texts."""
        of = {prompt.position: prompt.text for prompt in self.prompts}
        batch = self.batch
        return [
            {
                "group": at // GROUP,
                "sample": at % GROUP,
                "prompt": of[batch.positions[at]],
                "completion": batch.completions[at],
                "tokens": len(batch.completion_ids[at]),
                "truncated": batch.truncated[at],
                "reward": sample.reward,
                "advantage": self.advantages[at],
                **{f"score/{name}": score for name, score in sample.scores.items()},
                **{f"reason/{name}": reason for name, reason in sample.reasons.items()},
                "flags": ", ".join(sample.flags),
            }
            for at, sample in enumerate(batch.samples)
        ]


def make_steps(count: int) -> list[RecordedStep]:
    """`count` steps, each with 8 prompts of its own as in a first pass over the prompts."""
    task = get_task("countdown")
    config = make_config({"num_prompts": count * GROUPS})
    tokenizer = load_tokenizer(config.model)
    prompts = make_training_prompts(make_task_prompt_set(config), tokenizer).train
    rng = random.Random(0)
    with Scorer(task.reward_set) as scorer:
        return [
            _make_step(
                scorer, tokenizer, [prompts[step * GROUPS + at].record for at in range(GROUPS)], rng
            )
            for step in range(count)
        ]


def _make_step(
    scorer: Scorer, tokenizer: object, prompts: list[PromptRecord], rng: random.Random
) -> RecordedStep:
    of_each = [prompt for prompt in prompts for _ in range(GROUP)]
    texts = [_write(prompt, rng) for prompt in of_each]
    ids = [tuple(range(rng.randint(60, ROOM))) for _ in texts]
    scoring = scorer.score(
        Batch([p.messages for p in of_each], texts, [p.row for p in of_each], ids), global_step=0
    )
    batch = SampledBatch(
        tuple(p.position for p in of_each), tuple(texts), ids,
        tuple(len(each) == ROOM for each in ids), scoring.samples, scoring.reports,
    )  # fmt: skip
    learned = {"loss": rng.random(), "grad_norm": rng.random(), "learning_rate": 1e-4}
    policy = {"kl": rng.random(), "entropy": rng.random(), "step_time": rng.random()}
    metrics = {**learned, **policy, **summarise(batch, scorer.reward_set.names, GROUP)}
    rewards = [sample.reward for sample in batch.samples]
    return RecordedStep(metrics, batch, compute_advantages(rewards, GROUP), prompts)


def _write(prompt: PromptRecord, rng: random.Random) -> str:
    """Right, wrong, or without its tags; one in 50 repeats itself, which is flagged."""
    if rng.random() < 0.02:
        return "so we try again " * 64
    thought = " ".join(rng.choices(WORDS.split(), k=70))
    right = get_task("countdown").write_gold(prompt.row) or ""
    kind = rng.random()
    if kind < 0.5:
        return right.replace("<think>", f"<think>{thought} ")
    nums = prompt.row["nums"]
    answer = " + ".join(map(str, nums)) if kind < 0.8 else str(nums[0])
    end = f"<answer>{answer}</answer>" if kind < 0.95 else f"answer: {answer}"
    return f"<think>{thought}</think>\n{end}"
