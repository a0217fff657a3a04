"""The synthetic text: seeded, true in its arithmetic, imperfect in measure, split without leaks."""

import random
import subprocess
import sys

from rft_core.embedded.countdown_text import prompt_messages, sample_row, sample_text
from rft_core.rewards.equation import grade_equation
from rft_core.rewards.format import grade_format
from rft_core.tasks.countdown import COUNTDOWN, SHOWCASE_NUMS, bucket, list_solutions


def test_one_seed_writes_one_text():
    first, second = (sample_text(random.Random(5)) for _ in range(2))
    assert first == second
    assert first != sample_text(random.Random(6))


def test_training_text_never_shows_held_out_numbers():
    rng = random.Random(0)
    seen = {tuple(sorted(sample_text(rng).row.nums)) for _ in range(2000)}
    assert all(bucket(nums) == "train" for nums in seen)
    assert tuple(sorted(SHOWCASE_NUMS)) not in seen
    for split in ("validation", "held_out"):
        evaluated = {tuple(sorted(sample_row(rng, split=split).nums)) for _ in range(300)}
        assert not seen & evaluated


def test_the_prompt_is_the_built_in_tasks_prompt():
    row = sample_row(random.Random(0))
    values = {"nums": list(row.nums), "target": row.target}
    assert prompt_messages(row) == COUNTDOWN.template.render(values)


def test_rows_are_solvable_and_in_range():
    rng = random.Random(1)
    for largest in (20, 99):
        for _ in range(200):
            row = sample_row(rng, largest)
            assert all(1 <= number <= largest for number in row.nums)
            assert any(solution.value == row.target for solution in list_solutions(row.nums))


def test_the_text_is_as_imperfect_as_intended():
    rng = random.Random(2)
    samples = [sample_text(rng) for _ in range(1500)]
    formatted = [grade_format(s.completion, {}).score for s in samples]
    correct = [
        grade_equation(s.completion, {"nums": s.row.nums, "target": s.row.target}).score
        for s in samples
    ]
    assert 0.70 < sum(map(float, formatted)) / len(samples) < 0.80
    assert 0.45 < sum(map(float, correct)) / len(samples) < 0.68


def test_finding_the_models_loads_no_torch():
    code = "import rft_core.embedded, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
