"""The one place through which everything a run does reaches its records.

A training batch is scored once, and kept with the advantages that were trained on until its step
ends. Then metrics, completions, scores, reasons, flags and advantages are recorded in one
transaction. Validation is recorded the same way. What TRL logs of completions by itself is not
used: it keeps only the last batch and mixes training with validation.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rft_core.config import RunConfig, StagePlan
from rft_core.diagnosis.best_step import BestWatch
from rft_core.rewards.contract import Batch, FunctionReport, RewardSet
from rft_core.rewards.deciding import is_right
from rft_core.rewards.sampled_batch import SampledBatch, join_batches, summarise
from rft_core.rewards.scorer import Scorer
from rft_core.sampling.stop_strings import StopStrings
from rft_core.store.preflights import StoredPreflight
from rft_core.store.run_writer import GenerationRecord, PartsDone, Split, StepRecord
from rft_core.training.batch_records import find_reason_to_pause, list_generations
from rft_core.training.phase_clock import PhaseClock
from rft_core.training.prompts import TrainingPrompts
from rft_core.training.reward_watch import RewardWatch, StepMeans
from rft_core.training.run_sink import RunSink

LONGEST_OUTPUT = 2000  # characters of what a reward function printed
PULSE_SECONDS = 5.0

logger = logging.getLogger(__name__)


class Recorder:
    """Scores and records. `elapsed` (seconds), `tokens`, `phases` (seconds by phase) and
    `past_rewards` (means of the steps so far) and `past_measures` (what its validations decide by)
    go on from where the run had got to.

    `needs_attention` is the reason to pause, once a training batch has given one; `last_saved` the
    step of the newest checkpoint, 0 if there is none. Without a scorer (None) nothing is sampled.
    """

    def __init__(
        self,
        sink: RunSink,
        scorer: Scorer | None,
        config: RunConfig,
        prompts: TrainingPrompts,
        tokenizer: Any,
        *,
        end_tokens: frozenset[int],
        step: int = 0,
        elapsed: float = 0.0,
        tokens: int = 0,
        phases: Mapping[str, float] | None = None,
        past_rewards: StepMeans | None = None,
        past_measures: Mapping[int, float] | None = None,
    ) -> None:
        self.step = self.last_saved = step  # the last one recorded, and the last one saved
        self.needs_attention = ""
        self.end_tokens = end_tokens
        self._sink, self._scorer, self._config = sink, scorer, config
        self._prompts, self._tokenizer = prompts, tokenizer
        self._max_steps = config.max_steps  # of the whole run
        self.clock = PhaseClock(phases)
        self.best_watch = BestWatch(past_measures or {})
        self._watch = RewardWatch(scorer.reward_set if scorer else None, past_rewards or {})
        self._started = time.monotonic() - elapsed
        self._tokens = tokens
        self._pending: tuple[SampledBatch, Sequence[float]] | None = None
        self._measured: dict[str, float] = {}  # for the validation that is under way
        self._reported: dict[str, str] = {}
        self._heard: set[str] = set()  # functions whose printed text has been recorded
        self._last_pulse = 0.0

    @property
    def can_validate(self) -> bool:
        return self._scorer is not None and bool(self._prompts.validated)

    @property
    def kept_step(self) -> int | None:
        """The best step so far, where its checkpoint is to be kept."""
        best = self.best_watch.kept
        return best.step if best else None

    @property
    def rewards(self) -> RewardSet | None:
        """What scores; None where nothing is scored."""
        return self._scorer.reward_set if self._scorer else None

    @property
    def rewards_id(self) -> str:
        """Of the reward set that scores; empty without one."""
        return self.rewards.id if self.rewards else ""

    def begin_stage(self, plan: StagePlan[RunConfig]) -> None:
        """From here on steps are recorded as that stage's: groups of its size."""
        self._config = plan.config
        self._watch.begin_stage(plan)
        is_last = plan.first_step + plan.config.max_steps >= self._max_steps
        self.best_watch.begin_stage(plan, is_last=is_last)

    def set_phase(self, phase: str, detail: str = "", parts: PartsDone | None = None) -> None:
        """`parts`: how far it is, of what has a known end."""
        with self.clock.during("record"):
            self._sink.set_progress(
                phase, detail, step=self.step, max_steps=self._max_steps, parts=parts
            )
        self._last_pulse = time.monotonic()

    def pulse(self, phase: str, detail: str, parts: PartsDone | None = None) -> None:
        """Show that long work makes progress: as `set_phase`, but cheap enough for every token."""
        if time.monotonic() - self._last_pulse > PULSE_SECONDS:
            self.set_phase(phase, detail, parts)

    def tell(self, kind: str, message: str) -> None:
        """An event of the run, for people."""
        self._sink.add_event(kind, message)
        logger.info("%s", message)

    def hold(self, batch: SampledBatch, advantages: Sequence[float]) -> None:
        """Keep a training batch, with the advantages trained on, until its step has ended."""
        self._pending = (batch, advantages)
        self.needs_attention = find_reason_to_pause(batch) or (
            self._watch.find_reason_to_end(self.step + 1, batch)
        )

    def add_tokens(self, count: int) -> None:
        """Of examples that were learned from, which are no completions of ours."""
        self._tokens += count

    def record_train_step(self, step: int, logs: Mapping[str, Any]) -> None:
        """Store a step that has just ended. `logs` are TRL's metrics for it.

        A step that reuses an earlier batch (`num_iterations` > 1) has no generations of its own.
        """
        with self.clock.during("record"):
            self._record_train_step(step, logs)

    def _record_train_step(self, step: int, logs: Mapping[str, Any]) -> None:
        pending, self._pending = self._pending, None
        metrics = {name: float(value) for name, value in logs.items() if _is_wanted(name, value)}
        generations: list[GenerationRecord] = []
        if pending:
            batch, advantages = pending
            metrics |= self._summarise(batch, self._config.num_generations)
            generations = list_generations(batch, advantages, self._config.num_generations)
            self._tokens += sum(len(ids) for ids in batch.completion_ids)
        self._write("train", step, metrics, generations)
        logger.info("step %d/%d  %s", step, self._max_steps, _line(metrics))

    def hold_validation(self, metrics: Mapping[str, float]) -> None:
        """What else the validation that is under way has measured, beside its completions."""
        self._measured = dict(metrics)

    def record_validation(
        self,
        step: int,
        positions: Sequence[int],
        completion_ids: Sequence[Sequence[int]],
        check_stop: Callable[[], None],
    ) -> dict[str, float]:
        """Score and store the validation after `step`; returns its metrics. May have sampled none.

        Scored in portions as large as a training batch, each of which gets a batch's time.
        `check_stop` is called before each, and raises where the validation is to be given up.
        """
        each = self._config.num_generations_eval
        size = max(1, self._config.generation_batch_size // each) * each
        portions = []
        for start in range(0, len(positions), size):
            check_stop()
            end = min(start + size, len(positions))
            self.set_phase("validating", f"scoring completions {start + 1} to {end}")
            portions.append(
                self.score("validation", positions[start:end], completion_ids[start:end])
            )
        metrics, self._measured = self._measured, {}
        generations: list[GenerationRecord] = []
        if portions:
            batch = join_batches(portions)
            metrics |= self._summarise(batch, each)
            generations = list_generations(batch, None, each)
        self._write("validation", step, metrics, generations)
        logger.info("validation after step %d  %s", step, _line(metrics))
        self.best_watch.note(step, metrics)
        return metrics

    def record_preflight(self, found: StoredPreflight) -> None:
        with self.clock.during("record"):
            self._sink.record_preflight(found)

    def record_checkpoint(self, step: int, no_longer_resumable: Sequence[int]) -> None:
        self._sink.add_checkpoint(step=step, resumable=True, phases=self.clock.read())
        self.last_saved = step
        for old in no_longer_resumable:
            self._sink.set_checkpoint_not_resumable(old)
        logger.info("checkpoint saved at step %d", step)

    def make_durable(self) -> None:
        """Before a checkpoint is published: it must never be newer than the store."""
        self._sink.make_durable()

    def score(
        self, split: Split, positions: Sequence[int], completion_ids: Sequence[Sequence[int]]
    ) -> SampledBatch:
        """Decode and score completions of the prompts at `positions`."""
        assert self._scorer is not None, "this run has no rewards"
        records = [self._prompts.of(split)[position].record for position in positions]
        completions = self._tokenizer.batch_decode(completion_ids, skip_special_tokens=True)
        batch = Batch(
            [record.messages for record in records],
            completions,
            [record.row for record in records],
            completion_ids,
        )
        observed = self._watch.list_only_logged(self.step + 1) if split == "train" else frozenset()
        scoring = self._scorer.score(
            batch, global_step=self.step, max_steps=self._max_steps, only_logged=observed
        )
        for report in scoring.reports:
            self._report_error(report, split)
            self._report_output(report)
        return SampledBatch(
            tuple(positions),
            tuple(completions),
            completion_ids,
            tuple(not self._has_ended(ids) for ids in completion_ids),
            scoring.samples,
            scoring.reports,
        )

    def _has_ended(self, ids: Sequence[int]) -> bool:
        """By an end token or a stop string of this stage, and not by its length alone."""
        stops = StopStrings(self._tokenizer, self._config.stop_strings)
        return bool(ids) and (ids[-1] in self.end_tokens or stops.end(ids))

    def list_right(self, batch: SampledBatch) -> list[bool]:
        """Which completions are right by all that decides; what cannot be judged is not."""
        assert self._scorer is not None, "this run has no rewards"
        rewards = self._scorer.reward_set
        return [is_right(rewards, sample) is True for sample in batch.samples]

    def _report_error(self, report: FunctionReport, split: Split) -> None:
        """An event for each new way in which a function fails, not one for every step."""
        if report.error and self._reported.get(report.name) != report.error:
            where = "" if report.error_sample is None else f", {split} sample {report.error_sample}"
            message = f"{report.name} (step {self.step + 1}{where}): {report.error}"
            self._sink.add_event("reward_error", message)
            logger.warning("reward error: %s", message)
        self._reported[report.name] = report.error or ""

    def _report_output(self, report: FunctionReport) -> None:
        """What a function prints first, once per attempt: it prints at every step."""
        text = report.stdout.strip()
        if text and report.name not in self._heard:
            self._heard.add(report.name)
            if len(text) > LONGEST_OUTPUT:
                text = f"{text[:LONGEST_OUTPUT]} …"
            self._sink.add_event("reward_output", f"{report.name} printed: {text}")

    def _summarise(self, batch: SampledBatch, num_generations: int) -> dict[str, float]:
        assert self._scorer is not None
        return summarise(batch, self._scorer.reward_set.names, num_generations)

    def _write(
        self,
        split: Split,
        step: int,
        metrics: Mapping[str, float],
        generations: Sequence[GenerationRecord],
    ) -> None:
        self.step = step
        elapsed = time.monotonic() - self._started
        prompts = self._prompts.of(split)
        asked = dict.fromkeys(generation.prompt_position for generation in generations)
        record = StepRecord(
            step, split, metrics, generations, [prompts[position].record for position in asked],
            elapsed=elapsed, tokens=self._tokens, phases=self.clock.read(),
        )  # fmt: skip
        self._sink.record_step(record, max_steps=self._max_steps)


def _is_wanted(name: str, value: Any) -> bool:
    """Not the epoch (a stage is one pass over an endless order), nor TRL's view of the rewards."""
    return _is_number(value) and name != "epoch" and not name.startswith("rewards/")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _line(metrics: Mapping[str, float]) -> str:
    names = ("reward", "loss", "kl", "completions/mean_length", "step_time")
    shown = [name for name in metrics if name.startswith("rewards/") and name.endswith("/mean")]
    return "  ".join(
        f"{name.removeprefix('completions/')} {metrics[name]:.4g}"
        for name in (names[0], *shown, *names[1:])
        if name in metrics
    )
