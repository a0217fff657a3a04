"""The one place through which everything a run does reaches its database.

TRL asks one reward function per entry of the reward set; all of them share one scoring of the
batch, and the recorder keeps that batch until its step ends. Then metrics, completions, scores,
reasons, flags and advantages go to the store in one transaction. Validation is recorded the same
way. What TRL logs of completions by itself is not used: it keeps only the last batch and mixes
training with validation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rft_core.config import RunConfig
from rft_core.rewards.advantages import compute_advantages
from rft_core.rewards.contract import Batch, FunctionReport
from rft_core.rewards.scorer import Scorer
from rft_core.store.run_writer import PromptRecord, RunWriter, Split, StepRecord
from rft_core.training.batch_records import SampledBatch, list_generations, summarise
from rft_core.training.pausing import find_reason_to_pause

RewardFunction = Callable[..., list[float | None]]

LONGEST_OUTPUT = 2000  # characters of what a reward function printed
PULSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Recorder:
    """Scores and records. `elapsed` (seconds) and `tokens` go on from where the run had got to.

    `needs_attention` is the reason to pause, once `pausing.py` finds one in a training batch.
    """

    def __init__(
        self,
        writer: RunWriter,
        scorer: Scorer,
        config: RunConfig,
        prompts: Mapping[Split, Sequence[PromptRecord]],
        *,
        end_ids: frozenset[int],
        step: int = 0,
        elapsed: float = 0.0,
        tokens: int = 0,
    ) -> None:
        self.step = step  # the last one recorded
        self.needs_attention = ""
        self._writer, self._scorer, self._config = writer, scorer, config
        self._prompts, self._end_ids = prompts, end_ids
        self._started = time.monotonic() - elapsed
        self._tokens = tokens
        self._pending: SampledBatch | None = None
        self._reported: dict[str, str] = {}
        self._heard: set[str] = set()  # functions whose printed text has been recorded
        self._last_pulse = 0.0

    @property
    def reward_functions(self) -> list[Any]:
        """For TRL, in the order of the reward set; the weights are the set's."""
        return [self._make_function(name) for name in self._scorer.reward_set.names]

    @property
    def reward_weights(self) -> list[float]:
        return list(self._scorer.reward_set.weights)

    def set_phase(self, phase: str, detail: str = "") -> None:
        self._writer.set_progress(phase, detail, step=self.step, max_steps=self._config.max_steps)
        self._last_pulse = time.monotonic()

    def pulse(self, phase: str, detail: str) -> None:
        """Show that long work gets on: as `set_phase`, but cheap enough for every token."""
        if time.monotonic() - self._last_pulse > PULSE_SECONDS:
            self.set_phase(phase, detail)

    def record_train_step(self, step: int, logs: Mapping[str, Any]) -> None:
        """Store a step that has just ended. `logs` are TRL's metrics for it.

        A step that reuses an earlier batch (`num_iterations` > 1) has no generations of its own.
        """
        batch, self._pending = self._pending, None
        metrics = {name: float(value) for name, value in logs.items() if _is_number(value)}
        metrics.pop("epoch", None)  # the whole run is one pass over an endless order
        if batch:
            metrics |= self._summarise(batch, self._config.num_generations)
            self._tokens += sum(len(ids) for ids in batch.completion_ids)
        self._write("train", step, metrics, batch, self._config.num_generations)
        logger.info("step %d/%d  %s", step, self._config.max_steps, _line(metrics))

    def record_validation(
        self,
        step: int,
        positions: Sequence[int],
        completions: Sequence[str],
        completion_ids: Sequence[Sequence[int]],
    ) -> dict[str, float]:
        """Score and store the validation after `step`; returns its metrics."""
        batch = self._score("validation", positions, completions, completion_ids)
        metrics = self._summarise(batch, self._config.num_generations_eval)
        self._write("validation", step, metrics, batch, self._config.num_generations_eval)
        logger.info("validation after step %d  %s", step, _line(metrics))
        return metrics

    def record_checkpoint(self, step: int, no_longer_resumable: Sequence[int]) -> None:
        self._writer.add_checkpoint(step=step, resumable=True)
        for old in no_longer_resumable:
            self._writer.set_checkpoint_not_resumable(old)
        logger.info("checkpoint saved at step %d", step)

    def _make_function(self, name: str) -> RewardFunction:
        def score(
            *, completions: Sequence[Any], completion_ids: Sequence[Sequence[int]],
            position: Sequence[int], **_: Any,
        ) -> list[float | None]:  # fmt: skip
            batch = self._score_once(completions, completion_ids, position)
            # A completion without a reward must not be learned from, whatever else was measured.
            return [
                None if sample.reward is None else sample.scores[name] for sample in batch.samples
            ]

        score.__name__ = name
        return score

    def _score_once(
        self, completions: Sequence[Any], ids: Sequence[Sequence[int]], positions: Sequence[int]
    ) -> SampledBatch:
        """TRL hands the very same list of ids to each reward function of one batch."""
        if self._pending is None or self._pending.completion_ids is not ids:
            self.set_phase("training", f"scoring {len(completions)} completions")
            texts = [completion_text(completion) for completion in completions]
            self._pending = self._score("train", positions, texts, ids)
            self.needs_attention = find_reason_to_pause(self._pending)
        return self._pending

    def _score(
        self,
        split: Split,
        positions: Sequence[int],
        completions: Sequence[str],
        ids: Sequence[Sequence[int]],
    ) -> SampledBatch:
        prompts = [self._prompts[split][position] for position in positions]
        batch = Batch(
            [prompt.messages for prompt in prompts],
            completions,
            [prompt.row for prompt in prompts],
            ids,
        )
        scoring = self._scorer.score(batch, global_step=self.step)
        for report in scoring.reports:
            self._report_error(report, split)
            self._report_output(report)
        truncated = tuple(not ids or ids[-1] not in self._end_ids for ids in ids)
        return SampledBatch(
            tuple(positions), tuple(completions), ids, truncated, scoring.samples, scoring.reports
        )

    def _report_error(self, report: FunctionReport, split: Split) -> None:
        """An event for each new way in which a function fails, not one for every step."""
        if report.error and self._reported.get(report.name) != report.error:
            where = "" if report.error_sample is None else f", {split} sample {report.error_sample}"
            message = f"{report.name} (step {self.step + 1}{where}): {report.error}"
            self._writer.add_event("reward_error", message)
            logger.warning("reward error: %s", message)
        self._reported[report.name] = report.error or ""

    def _report_output(self, report: FunctionReport) -> None:
        """What a function prints first, once per attempt: it prints at every step."""
        text = report.stdout.strip()
        if text and report.name not in self._heard:
            self._heard.add(report.name)
            if len(text) > LONGEST_OUTPUT:
                text = f"{text[:LONGEST_OUTPUT]} …"
            self._writer.add_event("reward_output", f"{report.name} printed: {text}")

    def _summarise(self, batch: SampledBatch, num_generations: int) -> dict[str, float]:
        return summarise(batch, self._scorer.reward_set.names, num_generations)

    def _compute_advantages(self, batch: SampledBatch) -> list[float]:
        rewards = [sample.reward for sample in batch.samples]
        return compute_advantages(rewards, self._config.num_generations, self._config.scale_rewards)

    def _write(
        self,
        split: Split,
        step: int,
        metrics: Mapping[str, float],
        batch: SampledBatch | None,
        num_generations: int,
    ) -> None:
        self.step = step
        generations = []
        if batch:
            advantages = self._compute_advantages(batch) if split == "train" else None
            generations = list_generations(batch, advantages, num_generations)
        elapsed = time.monotonic() - self._started
        self._writer.record_step(
            StepRecord(step, split, metrics, generations, elapsed=elapsed, tokens=self._tokens),
            max_steps=self._config.max_steps,
        )


def completion_text(completion: Any) -> str:
    """TRL's completion: a list of one assistant message, or plain text."""
    return completion if isinstance(completion, str) else str(completion[0]["content"])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(metrics: Mapping[str, float]) -> str:
    names = ("reward", "kl", "completions/mean_length", "step_time")
    shown = [name for name in metrics if name.startswith("rewards/") and name.endswith("/mean")]
    return "  ".join(
        f"{name.removeprefix('completions/')} {metrics[name]:.4g}"
        for name in (names[0], *shown, *names[1:])
        if name in metrics
    )
