"""The synthetic text: seeded, true in its arithmetic, imperfect in measure, split without leaks."""

import random
import subprocess
import sys

from rft_core.embedded.countdown_text import (
    SHOWCASE_NUMS,
    is_held_out,
    list_attempts,
    sample_row,
    sample_text,
)
from rft_core.rewards.equation import grade_equation
from rft_core.rewards.format import grade_format


def test_one_seed_writes_one_text():
    first, second = (sample_text(random.Random(5)) for _ in range(2))
    assert first == second
    assert first != sample_text(random.Random(6))


def test_every_attempt_is_worth_what_it_claims():
    for nums in [(15, 74, 9), (6, 3, 18), (1, 1, 2), (20, 5, 5)]:
        for attempt in list_attempts(nums):
            row = {"nums": nums, "target": attempt.value}
            verdict = grade_equation(f"<answer>{attempt.expression}</answer>", row)
            assert verdict.score == 1, (attempt, verdict.reason)


def test_training_text_never_shows_held_out_numbers():
    rng = random.Random(0)
    seen = {tuple(sorted(sample_text(rng).row.nums)) for _ in range(2000)}
    held_out = {tuple(sorted(sample_row(rng, held_out=True).nums)) for _ in range(500)}
    assert not seen & held_out
    assert not any(is_held_out(nums) for nums in seen)


def test_the_showcase_row_is_held_out_in_any_order():
    assert is_held_out(SHOWCASE_NUMS)
    assert is_held_out(SHOWCASE_NUMS[::-1])


def test_rows_are_solvable_and_in_range():
    rng = random.Random(1)
    for largest in (20, 99):
        for _ in range(200):
            row = sample_row(rng, largest)
            assert all(1 <= number <= largest for number in row.nums)
            assert any(attempt.value == row.target for attempt in list_attempts(row.nums))


def test_the_text_is_as_imperfect_as_intended():
    rng = random.Random(2)
    samples = [sample_text(rng) for _ in range(1500)]
    formatted = [grade_format(s.completion, {}).score for s in samples]
    correct = [
        grade_equation(s.completion, {"nums": s.row.nums, "target": s.row.target}).score
        for s in samples
    ]
    assert 0.70 < sum(map(float, formatted)) / len(samples) < 0.80
    assert 0.18 < sum(map(float, correct)) / len(samples) < 0.36


def test_finding_the_models_loads_no_torch():
    code = "import rft_core.embedded, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
