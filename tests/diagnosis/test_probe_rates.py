"""How many planted bugs the probes catch, and how many sound rewards they accuse.

`python -m benchmarks.probe_rates` prints the same as a table, and on a single prompt too.
"""

from collections.abc import Sequence

import pytest

from rft_core.diagnosis.probes.reward_probes import probe_rewards
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS
from tests.diagnosis.probe_rows import list_cases
from tests.diagnosis.reward_files import Subject, list_grader_sets, list_subjects

LEAST_CAUGHT, MOST_ACCUSED = 0.9, 0.05
OWN_ROWS = [name for name in TASKS if "triton" not in name]


def flagged(subjects: Sequence[Subject]) -> list[str]:
    return [subject.name for subject in subjects if subject.probe().paying]


@pytest.mark.parametrize("folder", ["planted", "planted/hold_out"])
def test_planted_bugs_are_caught(folder: str) -> None:
    subjects = list_subjects(folder)
    caught = flagged(subjects)
    missed = sorted({subject.name for subject in subjects} - set(caught))
    print(f"{folder}: {len(caught)} of {len(subjects)} caught, missed {missed}")
    assert len(caught) >= LEAST_CAUGHT * len(subjects), missed


@pytest.mark.parametrize("folder", ["sound", "sound/hold_out"])
def test_sound_rewards_are_left_in_peace(folder: str) -> None:
    subjects = list_subjects(folder)
    accused = flagged(subjects)
    print(f"{folder}: {len(accused)} of {len(subjects)} accused: {accused}")
    assert len(accused) <= MOST_ACCUSED * len(subjects), accused


def test_gameable_sets_of_built_in_graders_are_caught() -> None:
    subjects = list_grader_sets(planted=True)
    assert flagged(subjects) == [subject.name for subject in subjects]


def test_sound_sets_of_built_in_graders_are_left_in_peace() -> None:
    assert flagged(list_grader_sets(planted=False)) == []


@pytest.mark.parametrize("name", OWN_ROWS)
def test_no_probe_and_no_cheat_pays_on_a_tasks_own_rewards(name: str) -> None:
    with Scorer(TASKS[name].reward_set) as scorer:
        report = probe_rewards(scorer, list_cases(name, 2))
    assert [result.name for result in report.paying] == []
    assert report.gold_known and not report.failures


def test_every_suite_is_large_enough_to_speak_of_rates() -> None:
    for folder in ("planted", "sound"):
        assert len(list_subjects(folder)) >= 20
        assert len(list_subjects(f"{folder}/hold_out")) >= 10
