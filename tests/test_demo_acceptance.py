"""The demos keep their promises: started by the real command line, watched from outside, measured.

They train for minutes; every number that is checked is printed.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.jobs.launcher import wait_for_end
from rft_core.sampling.service.client import GenerationClient
from rft_core.store.run_reader import open_run
from tests.runs_folder import SUPERVISOR, RunsFolder, run_command
from tests.tiny_run import expected_counts, read_counts

FIRST_STEP_WITHIN = 30.0  # seconds from the command to the first recorded step
TRAINED_WITHIN = 360.0  # seconds of training on two idle cores
FORMAT_AT_LEAST = 0.95  # of the validation completions, at the end
TUNED_AT_LEAST = 0.75  # pass@1 on held-out rows
FLAGSHIP = {"nums": [15, 74, 9], "target": 50}
BASE_AT_MOST, RIGHT_AT_LEAST = 4, 9  # of ten answers to it
TRITON_TRAINED_WITHIN = 240.0
TRITON_POINTS_AT_LEAST = 0.25
GIVE_UP_AFTER = 1800.0


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunsFolder]:
    folder = RunsFolder(tmp_path / "runs")
    yield folder
    if folder.path.exists():
        GenerationClient(folder.path).stop()
    for process in folder.find_processes(SUPERVISOR, "rft_core.worker"):
        process.kill()


def read_first_step_time(folder: RunsFolder, run: str) -> float:
    with open_run(folder.path, run) as db:
        query = "SELECT min(finished_at) FROM steps WHERE step >= 1"
        return float(db.execute(query).fetchone()[0])


@pytest.mark.slow
@pytest.mark.timeout(GIVE_UP_AFTER + 600)
def test_the_demo_learns_in_minutes_and_stores_everything_once(
    folder: RunsFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    asked_at = time.time()
    run = run_command(folder.path, "demo")["run"]
    status = wait_for_end(folder.path, run, timeout=GIVE_UP_AFTER)
    shown = run_command(folder.path, "show", run)
    config = status.run.config
    base, tuned = run_command(folder.path, "evaluate", run, "--prompts", "200", "--k", "4")["rows"]
    question = json.dumps(FLAGSHIP)
    asked = run_command(folder.path, "ask", run, "--row", question, "--n", "10")["models"]
    base_right, tuned_right = (model["right"] for model in asked)
    counts = read_counts(folder.path, run)  # of a database that passes its integrity check
    first_step = read_first_step_time(folder, run) - asked_at
    low, high = tuned["difference_ci"]
    with capsys.disabled():
        print(
            f"\n{run}: {status.state}, {shown['step']} steps\n"
            f"  first recorded step after {first_step:.1f} s (at most {FIRST_STEP_WITHIN:.0f})\n"
            f"  training took {shown['duration']:.1f} s (at most {TRAINED_WITHIN:.0f}), "
            f"all of it {time.time() - asked_at:.1f} s\n"
            f"  last validation: {shown['validation']}\n"
            f"  held out, {tuned['n']} prompts x {tuned['k']}: base {base['pass@1']:.3f}, "
            f"tuned {tuned['pass@1']:.3f}, difference {tuned['difference']:+.3f} "
            f"({low:+.3f} to {high:+.3f}), p = {tuned['p_value']:.2g}\n"
            f"  pass@{tuned['k']}: base {base['pass@k']:.3f}, tuned {tuned['pass@k']:.3f}\n"
            f"  {FLAGSHIP}: base {base_right} of 10, tuned {tuned_right} of 10\n"
            f"  {sum(counts.values())} generations stored"
        )
    assert (status.state, shown["step"]) == ("finished", config.max_steps)
    assert counts == expected_counts(config, num_validation=config.num_validation_prompts)
    assert first_step <= FIRST_STEP_WITHIN
    assert shown["duration"] <= TRAINED_WITHIN
    assert shown["validation"]["rewards/format/mean"] >= FORMAT_AT_LEAST
    assert tuned["n"] == 200
    assert low > 0 and tuned["pass@1"] >= TUNED_AT_LEAST
    assert base_right <= BASE_AT_MOST and tuned_right >= RIGHT_AT_LEAST


@pytest.mark.slow
@pytest.mark.timeout(GIVE_UP_AFTER + 600)
def test_the_triton_demo_learns_to_write_kernels_and_forgets_its_cheats(
    folder: RunsFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_command(folder.path, "demo", "triton")["run"]
    status = wait_for_end(folder.path, run, timeout=GIVE_UP_AFTER)
    seconds = run_command(folder.path, "show", run)["duration"]
    base, tuned = run_command(folder.path, "evaluate", run, "--prompts", "200", "--k", "4")["rows"]
    flagged = read_flagged(folder, run)
    low, high = tuned["difference_ci"]
    with capsys.disabled():
        print(
            f"\n{run}: {status.state}, training took {seconds:.1f} s "
            f"(at most {TRITON_TRAINED_WITHIN:.0f})\n"
            f"  held-out kernels, {tuned['n']} prompts x {tuned['k']}: base {base['pass@1']:.3f}, "
            f"tuned {tuned['pass@1']:.3f}, difference {tuned['difference']:+.3f} "
            f"({low:+.3f} to {high:+.3f}), p = {tuned['p_value']:.2g}\n"
            f"  flagged in validation: {[round(share, 3) for share in flagged]}"
        )
    assert status.state == "finished"
    assert seconds <= TRITON_TRAINED_WITHIN
    assert 0.30 <= base["pass@1"] <= 0.60
    assert low > 0 and tuned["difference"] >= TRITON_POINTS_AT_LEAST
    assert flagged[-1] < flagged[0] / 2


def read_flagged(folder: RunsFolder, run: str) -> list[float]:
    """The share of flagged completions in each validation."""
    query = (
        "SELECT value FROM metrics WHERE split = 'validation' AND name = 'flagged' ORDER BY step"
    )
    with open_run(folder.path, run) as db:
        return [value for (value,) in db.execute(query)]
