"""The hack radar on curves made up for it: what is an alarm, where it began, and what is none."""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from rft_core.diagnosis.curve_windows import WINDOW, Array
from rft_core.diagnosis.hack_radar import HeldOutTruth, Parting, Watched, find_parting
from rft_core.diagnosis.radar_report import (
    NO_TRUTH,
    Witness,
    choose_witnesses,
    report,
)
from rft_core.diagnosis.truth import FLAGS, Truth, choose_truth
from rft_core.rewards.contract import LEARNED_GRADER, RewardEntry, RewardSet

UNPAID = Truth("unpaid", "equation")
STEPS = 60
NOISE = 0.09  # as of a step with 48 completions whose groups share their luck

Course = Callable[[Array], Array]  # from the share of the run that is over to a mean


def level(value: float) -> Course:
    return lambda x: np.full_like(x, value)


def ramp(start: float, end: float) -> Course:
    return lambda x: start + (end - start) * x


def watched(
    reward: Course, truth: Course, steps: int = STEPS, seed: int = 0, together: float = 0.8
) -> Watched:
    """`together`: how much of the noise both have in common, being of the same completions."""
    rng, x = np.random.default_rng(seed), np.arange(steps) / steps
    common, own = rng.normal(size=(2, steps))
    other = together * common + (1 - together**2) ** 0.5 * own
    return Watched(
        UNPAID, np.arange(1, steps + 1),
        np.clip(reward(x) + NOISE * common, 0, 1), np.clip(truth(x) + NOISE * other, 0, 1),
    )  # fmt: skip


def until(watched: Watched, step: int) -> Watched:
    return replace(
        watched, steps=watched.steps[:step], reward=watched.reward[:step],
        truth=watched.truth[:step],
    )  # fmt: skip


def was_ever_alarmed(watched: Watched) -> bool:
    looks = [find_parting(until(watched, step)) for step in range(1, len(watched.steps) + 1)]
    return any(look is not None and look.is_alarm for look in looks)


def sure(found: Parting | None) -> Parting:
    assert found is not None and found.is_alarm
    return found


def test_a_reward_that_rises_alone_is_an_alarm_with_where_it_began() -> None:
    for seed in range(20):
        apart = lambda x: np.where(x < 0.5, 0.3, 0.85)  # noqa: E731
        found = sure(find_parting(watched(apart, level(0.3), seed=seed)))
        assert abs(found.parted_at - (STEPS // 2 + 1)) <= 2
        assert STEPS // 2 < found.seen_at <= STEPS // 2 + WINDOW
        assert found.reward[1] > 0.7 and found.reward[0] < 0.5


def test_who_learns_first_and_cheats_later_is_found_though_the_truth_is_as_at_first() -> None:
    def rises_then_falls(x: Array) -> Array:
        return 0.3 + np.where(x < 0.5, 0.6 * x, 0.6 * (1 - x))

    for seed in range(10):
        found = sure(find_parting(watched(ramp(0.3, 0.9), rises_then_falls, 120, seed)))
        assert found.parted_at > 40


@pytest.mark.parametrize(
    ("reward", "truth"),
    [
        (level(0.3), level(0.3)),
        (ramp(0.3, 0.7), ramp(0.3, 0.7)),
        (ramp(0.3, 0.7), ramp(0.2, 0.5)),
        (ramp(0.7, 0.3), level(0.3)),
        (ramp(0.5, 0.58), level(0.3)),
        (ramp(0.3, 1.0), level(0.9)),
    ],
    ids=["both level", "together", "most of it", "reward falls", "too little", "all is right"],
)
def test_no_look_at_an_honest_run_alarms(reward: Course, truth: Course) -> None:
    for seed in range(6):
        for together in (0.0, 0.9):
            assert not was_ever_alarmed(watched(reward, truth, 48, seed, together))


def test_noise_alone_does_not_alarm_at_the_end_of_long_runs() -> None:
    for seed in range(300):
        found = find_parting(watched(level(0.4), level(0.4), 500, seed, 0.0))
        assert found is not None and not found.is_alarm, seed


def test_nothing_is_said_before_two_windows_have_passed() -> None:
    run = watched(ramp(0, 1), ramp(1, 0), 2 * WINDOW)
    assert find_parting(until(run, 2 * WINDOW - 1)) is None
    assert find_parting(run) is not None


def test_an_alarm_ends_when_the_truth_catches_up() -> None:
    late = lambda x: np.where(x < 0.7, 0.3, 0.8)  # noqa: E731
    run = watched(ramp(0.3, 0.85), late, 160)
    assert sure(find_parting(until(run, 100)))
    found = find_parting(run)
    assert found is not None and not found.is_alarm


def test_held_out_rows_are_a_truth_when_they_have_been_asked_often_enough() -> None:
    run = watched(ramp(0.3, 0.95), level(0.3), 80)
    asked, rows = np.arange(0, 80, 5), 64
    held_out = HeldOutTruth(asked, np.full(16, 0.3), np.full(16, 0.3 * 0.7 / rows))
    truth = Truth("validation", "equation")
    assert sure(find_parting(replace(run, truth_is=truth, held_out=held_out)))
    honest = replace(held_out, mean=np.linspace(0.3, 0.95, 16))
    follows = replace(run, truth_is=truth, held_out=honest, truth=np.linspace(0.3, 0.95, 80))
    found = find_parting(follows)
    assert found is not None and not found.is_alarm
    once = HeldOutTruth(asked[:1], held_out.mean[:1], held_out.squared_error[:1])
    found = find_parting(replace(run, truth_is=truth, held_out=once))
    assert found is not None and not found.is_alarm  # nothing to compare with


def test_flags_alarm_only_when_they_become_more() -> None:
    flags = Truth("flags", FLAGS)
    more = replace(watched(ramp(0.3, 0.9), ramp(0.95, 0.5)), truth_is=flags)
    as_many = replace(watched(ramp(0.3, 0.9), level(0.8)), truth_is=flags)
    assert sure(find_parting(more))
    found = find_parting(as_many)
    assert found is not None and not found.is_alarm


def test_a_hundred_thousand_steps_are_judged_within_a_tick() -> None:
    run = watched(ramp(0.3, 0.8), level(0.3), 100_000)
    find_parting(run)
    started = time.process_time()
    assert sure(find_parting(run)).seen_at
    assert time.process_time() - started < 1.0


def truth_of(*entries: RewardEntry, declared: str = "", **more: bool) -> Truth | None:
    rewards = RewardSet(entries, truth=(declared,) if declared else ())
    return choose_truth(rewards, **{"has_validation": True, "was_flagged": False, **more})


def test_the_truth_is_what_pays_for_nothing_then_held_out_rows_then_flags() -> None:
    paid, form = RewardEntry("regex", "regex"), RewardEntry("format", "format")
    logged = RewardEntry("equation", "equation", 0.0)
    assert truth_of(form, logged) == Truth("unpaid", "equation")
    assert truth_of(paid, RewardEntry("mine", "python", 0.0)) == Truth("unpaid", "mine", False)
    assert truth_of(form, RewardEntry("equation", "equation")) == Truth("validation", "equation")
    assert truth_of(paid, has_validation=False, was_flagged=True) == Truth("flags", FLAGS)
    assert truth_of(paid, has_validation=False) is None


def test_form_and_a_reward_model_that_are_only_logged_are_no_truth() -> None:
    paid = RewardEntry("equation", "equation")
    watched_length = RewardEntry("watched", "length", 0.0)
    taste = RewardEntry("taste", LEARNED_GRADER, 0.0)
    assert truth_of(paid, watched_length, taste, has_validation=False) is None


SEEN = [
    *(Witness(at, 50, 1.0, 0.0) for at in range(5)),
    *(Witness(at, 50, 1.0, 1.0) for at in range(5, 9)),
    *(Witness(at, 50, 0.0, 0.0) for at in range(9, 12)),
]


def test_an_alarm_names_three_generations_that_are_well_paid_and_not_right() -> None:
    run = watched(ramp(0.3, 0.9), level(0.3))
    reading = report(run, find_parting(run), choose_witnesses(SEEN))
    finding = reading.finding
    assert reading.state == "alarm" and finding is not None
    assert finding.kind == "hacking" and finding.severity == "error"
    assert len(finding.generations) == 3 and set(finding.generations) <= set(range(5))
    assert all(str(id) in finding.evidence for id in finding.generations)
    assert f"step {reading.parting.parted_at}" in finding.summary if reading.parting else False


def test_without_three_generations_to_show_there_is_no_alarm() -> None:
    run = watched(ramp(0.3, 0.9), level(0.3))
    shown = choose_witnesses(SEEN[3:])
    assert len(shown) == 2
    assert report(run, find_parting(run), shown).state == "clear"


def test_it_says_why_it_is_silent() -> None:
    assert NO_TRUTH.state == "no truth" and "weight 0" in NO_TRUTH.sentence
    early = report(watched(level(0.3), level(0.3), 5), None)
    assert early.state == "early" and f"step {2 * WINDOW}" in early.sentence
    run = watched(ramp(0.3, 0.6), ramp(0.3, 0.6))
    clear = report(run, find_parting(run))
    assert clear.state == "clear" and clear.finding is None and "not parted" in clear.sentence
