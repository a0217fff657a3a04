"""Where the seconds of real trainings go: every one of them to one phase, and to the right one."""

from contextlib import closing
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rft_core.rewards.scorer import Scorer
from rft_core.store.phase_times import PHASES, PhaseTimes, get_phase_times
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.training import recorder
from rft_core.training.phase_clock import PhaseClock
from rft_core.training.stop import StopRequest
from rft_core.worker import live, read_assignment
from tests.tiny_run import add_tiny_run, live_in_process

HOUR = 3600.0


class FakeTime:
    """Stands still but for what a test adds, and `tick` seconds whenever somebody looks."""

    def __init__(self, tick: float = 0.0) -> None:
        self.now, self._tick = 100.0, tick

    def __call__(self) -> float:
        self.now += self._tick
        return self.now

    def rule(self, patch: pytest.MonkeyPatch) -> None:
        """Let runs that begin from here on count their phases by it."""
        patch.setattr(recorder, "PhaseClock", partial(PhaseClock, read_time=self))


class WatchedWriter(RunWriter):
    """Notes when it was told of a step, by that clock, and the phases that it was told."""

    def __init__(self, runs_dir: Path, run_id: str, clock: FakeTime | None = None) -> None:
        super().__init__(runs_dir, run_id)
        self._clock = clock or FakeTime()
        self.told: list[tuple[float, dict[str, float]]] = []
        self.progress: list[tuple[str, str]] = []

    def record_step(self, record: StepRecord, *, max_steps: int) -> None:
        self.told.append((self._clock.now, dict(record.phases)))
        super().record_step(record, max_steps=max_steps)

    def set_progress(self, phase: str, detail: str = "", **more: Any) -> None:
        self.progress.append((phase, detail))
        super().set_progress(phase, detail, **more)


def read_times(runs_dir: Path, run_id: str = "tiny", window: int | None = None) -> PhaseTimes:
    with open_run(runs_dir, run_id) as db:
        times = get_phase_times(db, window=window)
    assert times is not None
    return times


def test_an_inner_phase_stops_the_outer_ones_time() -> None:
    read_time = FakeTime()
    clock = PhaseClock({"score": 5.0}, read_time)
    read_time.now += 1
    with clock.during("update"):
        read_time.now += 2
        with pytest.raises(ValueError, match="broken"), clock.during("score"):
            read_time.now += 3
            raise ValueError("broken")
        read_time.now += 4
    read_time.now += 8
    assert clock.read() == {"other": 9.0, "update": 6.0, "score": 8.0}


def test_the_phases_of_every_step_are_its_wall_time(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeTime(tick=1)
    clock.rule(monkeypatch)
    add_tiny_run(runs_dir, tiny_model, max_steps=6, eval_steps=3, save_steps=2, preflight=True)
    with closing(WatchedWriter(runs_dir, "tiny", clock)) as writer:
        live(read_assignment(runs_dir, "tiny"), writer, StopRequest())
    assert len(writer.told) == 9  # 6 steps, validated before the first and after the 3rd and 6th
    for (begun, before), (ended, after) in pairwise(writer.told):
        assert sum(after.values()) - sum(before.values()) == ended - begun > 0
    stored, (_, last) = read_times(runs_dir), writer.told[-1]
    assert stored.first == 0
    assert stored.last == 6
    assert set(stored.seconds) == set(PHASES) - {"old_logprobs"}
    assert all(stored.seconds[phase] >= seconds for phase, seconds in last.items())
    assert stored.seconds["save"] > last["save"]  # the last checkpoint came afterwards


@pytest.mark.parametrize(
    ("settings", "absent"),
    [
        ({"beta": 0.0}, {"old_logprobs", "reference_logprobs"}),
        ({"num_iterations": 2}, set()),
        ({"method": "rloo"}, set()),
        (
            {"method": "sft", "gold_column": "question"},
            {"sample", "score", "old_logprobs", "reference_logprobs"},
        ),
    ],
    ids=["without-kl", "two-iterations", "rloo", "sft"],
)
def test_a_run_has_the_phases_that_its_settings_give_it(
    tiny_model: Path, runs_dir: Path, settings: dict[str, Any], absent: set[str]
) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=2, **settings)
    assert live_in_process(runs_dir).outcome == "finished"
    assert set(read_times(runs_dir).seconds) == set(PHASES) - absent - {"preflight"}


def test_time_that_a_reward_takes_is_scoring_in_training_and_validation_outside_it(
    tiny_model: Path, runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock moves while a reward is at work, and at no other time."""
    clock, score = FakeTime(), Scorer.score
    clock.rule(monkeypatch)

    def score_slowly(self: Scorer, *batch: Any, **options: Any) -> Any:
        clock.now += HOUR
        return score(self, *batch, **options)

    monkeypatch.setattr(Scorer, "score", score_slowly)
    add_tiny_run(runs_dir, tiny_model, max_steps=2, eval_steps=2)
    begun = clock.now
    live_in_process(runs_dir)
    seconds = read_times(runs_dir).seconds
    steps = validations = 2
    assert seconds["score"] == steps * HOUR
    assert seconds["validate"] >= validations * HOUR  # in portions, each an hour
    assert set(seconds) == {"score", "validate"}
    assert seconds["score"] + seconds["validate"] == clock.now - begun


def test_progress_says_what_a_long_step_is_at(tiny_model: Path, runs_dir: Path) -> None:
    add_tiny_run(runs_dir, tiny_model, "grpo", max_steps=1, eval_steps=0, save_steps=0)
    sft = {"method": "sft", "gold_column": "question", "max_steps": 1, "save_steps": 0}
    add_tiny_run(runs_dir, tiny_model, "sft", rewards=None, **sft)
    told: dict[str, list[str]] = {}
    for run in ("grpo", "sft"):
        with closing(WatchedWriter(runs_dir, run)) as writer:
            live(read_assignment(runs_dir, run), writer, StopRequest())
        told[run] = [detail for phase, detail in writer.progress if phase == "training" and detail]
    assert told["sft"] == ["making the next step"]
    assert told["grpo"] == [
        "making the next step",
        "sampling 8 completions",
        "reading the completions with the reference model",
        "scoring 8 completions",
        "updating the adapter",
    ]


def test_a_resumed_run_goes_on_with_what_the_kept_steps_took(
    tiny_model: Path, runs_dir: Path
) -> None:
    add_tiny_run(runs_dir, tiny_model, max_steps=6, eval_steps=0, save_steps=2)
    assert live_in_process(runs_dir, stop_during=5).outcome == "stopped"
    first = read_times(runs_dir)
    assert live_in_process(runs_dir).outcome == "finished"
    whole, newest = read_times(runs_dir), read_times(runs_dir, window=1)
    assert (whole.first, whole.last, newest.first, newest.num_steps) == (1, 6, 6, 1)
    for phase, seconds in whole.seconds.items():
        added = newest.seconds.get(phase, 0.0)
        assert seconds == pytest.approx(first.seconds[phase] + added, abs=1e-9)
