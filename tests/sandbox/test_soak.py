"""Short forms of `benchmarks/sandbox_soak.py` and `sandbox_step.py`, which say what they check."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(name: str, count: int) -> None:
    command = [sys.executable, str(BENCHMARKS / name), str(count)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_hundred_and_fifty_mixed_executions_leave_nothing_behind():
    run("sandbox_soak.py", 150)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a_thousand_mixed_executions_leave_nothing_behind():
    run("sandbox_soak.py", 1000)


def test_a_small_step_with_endless_loops_scores_every_program_right():
    run("sandbox_step.py", 100)
