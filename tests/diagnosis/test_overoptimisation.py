"""The stop rule of RLHF on curves made up for it: what is beyond noise, and what is none."""

import random

from rft_core.diagnosis.overoptimisation import WINDOW, find_overoptimisation


def curve(
    start: float, end: float, steps: int = 40, noise: float = 0.0, seed: int = 0
) -> list[float]:
    rng = random.Random(seed)
    return [start + (end - start) * n / (steps - 1) + rng.gauss(0, noise) for n in range(steps)]


def test_a_rising_score_over_a_falling_rule_is_found_with_where_the_rule_was_best() -> None:
    rule = [*curve(0.3, 0.6, 20, 0.01), *curve(0.6, 0.2, 20, 0.01)]
    found = find_overoptimisation(curve(0, 3, 40, 0.05), rule)
    assert found is not None and 17 <= found.best_at <= 25
    assert found.learned[1] > found.learned[0] and found.rule[0] > 0.5 > found.rule[1]


def test_both_rising_both_falling_or_a_level_rule_are_no_overoptimisation() -> None:
    up, down, level = curve(0, 3, 40, 0.05), curve(0.6, 0.2, 40, 0.01), curve(0.4, 0.4, 40, 0.01)
    assert find_overoptimisation(up, curve(0.2, 0.6, 40, 0.01)) is None
    assert find_overoptimisation(curve(3, 0, 40, 0.05), down) is None
    assert find_overoptimisation(up, level) is None
    assert find_overoptimisation(up, down) is not None


def test_noise_alone_is_never_taken_for_it() -> None:
    for seed in range(200):
        learned = curve(0, 0, 60, 1.0, seed)
        rule = curve(0.4, 0.4, 60, 0.1, seed + 1000)
        assert find_overoptimisation(learned, rule) is None, seed


def test_a_small_loss_of_the_rule_is_not_worth_a_stop() -> None:
    assert find_overoptimisation(curve(0, 3), curve(0.60, 0.56)) is None


def test_it_says_nothing_before_two_windows_have_passed() -> None:
    steps = 2 * WINDOW - 1
    assert find_overoptimisation(curve(0, 3, steps), curve(0.9, 0.1, steps)) is None
    assert find_overoptimisation(curve(0, 3, steps + 1), curve(0.9, 0.1, steps + 1)) is not None
