"""The synthetic text: seeded, true in its arithmetic, imperfect in measure, split without leaks."""

import random
import re
import subprocess
import sys

from rft_core.embedded.countdown_text import (
    COUNTDOWN_TEXT,
    LONG,
    SHORT,
    Patience,
    imperfect_completion,
    sample_row,
    write_drill,
)
from rft_core.rewards.answers.equation import grade_equation
from rft_core.rewards.text.format import grade_format
from rft_core.tasks.countdown import (
    COUNTDOWN,
    LARGEST_TARGET,
    SHOWCASE_NUMS,
    bucket,
    list_solutions,
)


def test_one_seed_writes_one_text():
    first, second = (COUNTDOWN_TEXT.sample_text(random.Random(5)) for _ in range(2))
    assert first == second
    assert first != COUNTDOWN_TEXT.sample_text(random.Random(6))


def test_training_text_never_shows_held_out_numbers():
    rng = random.Random(0)
    seen = {tuple(sorted(sample_row(rng)["nums"])) for _ in range(2000)}
    assert all(bucket(nums) == "train" for nums in seen)
    assert tuple(sorted(SHOWCASE_NUMS)) not in seen
    for split in ("validation", "held_out"):
        evaluated = {tuple(sorted(sample_row(rng, split)["nums"])) for _ in range(300)}
        assert not seen & evaluated


def test_the_prompt_is_the_built_in_tasks_prompt():
    sample = COUNTDOWN_TEXT.sample_text(random.Random(0))
    assert sample.messages == COUNTDOWN.prompt(sample.row)


def test_rows_are_solvable_and_in_range():
    rng = random.Random(1)
    for _ in range(400):
        row = sample_row(rng)
        assert all(1 <= number <= 99 for number in row["nums"])
        assert row["target"] <= LARGEST_TARGET
        assert any(solution.value == row["target"] for solution in list_solutions(row["nums"]))


def test_the_text_is_as_imperfect_as_intended():
    rng = random.Random(2)
    samples = [COUNTDOWN_TEXT.sample_text(rng) for _ in range(1500)]
    formatted = [grade_format(s.completion, {}).score for s in samples]
    correct = [grade_equation(s.completion, s.row).score for s in samples]
    assert 0.70 < sum(map(float, formatted)) / len(samples) < 0.80
    assert 0.50 < sum(map(float, correct)) / len(samples) < 0.68


def test_every_sum_and_every_verdict_in_a_thought_is_true():
    rng = random.Random(3)
    for _ in range(400):
        sample = COUNTDOWN_TEXT.sample_text(rng)
        for line in sample.completion.partition("<answer>")[0].splitlines():
            equations = re.findall(r"(\d+ [-+*/] \d+) = (\d+)", line)
            assert all(_value(left) == int(right) for left, right in equations), line
            if equations and line.rstrip("</think>").endswith(("yes", "no")):
                assert ("yes" in line) == (int(equations[-1][1]) == sample.row["target"])


def test_patience_is_the_longer_search():
    rng = random.Random(4)
    rows = [sample_row(rng) for _ in range(600)]

    def count(patience: Patience) -> list[int]:
        texts = [imperfect_completion(row, rng, patience) for row in rows]
        return [len(re.findall(r" (?:yes|no)\b", text)) for text in texts]

    short, long = count(SHORT), count(LONG)
    assert max(short) == 4 < max(long) <= 8
    assert sum(attempts == 1 for attempts in long) > 0.6 * len(rows)  # most texts settle at once


def test_a_drill_is_one_true_step():
    rng = random.Random(5)
    for _ in range(300):
        drill = write_drill(rng)
        left, _, nothing = drill.given.partition(" = ")
        assert (f"{_value(left)}, ", "") == (drill.wanted, nothing)


def _value(step: str) -> int:
    return next(s.value for s in list_solutions(_numbers(step)) if s.steps[0].startswith(step))


def _numbers(step: str) -> list[int]:
    left, _, right = step.split()
    return [int(left), int(right)]


def test_finding_the_models_loads_no_torch():
    code = "import rft_core.embedded, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
