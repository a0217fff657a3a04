"""Rewards to search for lies: 30 with a planted bug, 20 sound ones, each with an independent check.

The planted ones and twelve of the sound ones are files under tests/cases, as users write them; the
others are built-in graders. A search never sees which is which. What checks them is never the
function that pays: the task's graders for rewards in Python, and for these the row's gold answer or
a careful function in Python.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rft_core.diagnosis.shortest_lie.ledger import Budget
from rft_core.diagnosis.shortest_lie.report import LieReport
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.tasks import TASKS
from rft_core.tasks.lie_search import search_lie
from tests.diagnosis.grader_sets import SOUND
from tests.diagnosis.probe_rows import list_cases
from tests.diagnosis.reward_files import CASES, list_subjects

FORM = RewardSet((RewardEntry("form", "format"),))
FORM_CHECKED = 'CHECK = "format"'  # in a file: it is about form, and so is its check
SOUND_FILES = CASES / "sound" / "lies"
OWN_BY_GOLD = ("word_problems", "gsm8k", "word_problems_choice", "json_output")
OWN_BY_FILE = {
    "countdown": SOUND_FILES / "checks" / "right_equation.py",
    "python_code": SOUND_FILES / "checks" / "all_tests.py",
}
GRADER_SETS = ("number in a box", "exact match alone")


@dataclass(frozen=True)
class LieSubject:
    """`given`: the check, where it is not the one that the search chooses."""

    name: str
    prompts: str
    rewards: RewardSet
    given: RewardSet | None = None

    def search(
        self, budget: Budget, *, seed: int = 0, clock: Callable[[], float] = time.monotonic
    ) -> LieReport:
        return search_lie(
            self.rewards, list_cases(self.prompts), TASKS.get(self.prompts),
            given=self.given, budget=budget, seed=seed, clock=clock,
        )  # fmt: skip


def list_planted_lies() -> list[LieSubject]:
    return _read_files("planted/lies")


def list_sound_lies() -> list[LieSubject]:
    own = [
        LieSubject(f"{name}: its own graders", name, TASKS[name].reward_set) for name in OWN_BY_GOLD
    ]
    for name, path in OWN_BY_FILE.items():
        check = reward_set_from_source(path.read_text(encoding="utf-8"), path.stem)
        own.append(LieSubject(f"{name}: its own graders", name, TASKS[name].reward_set, check))
    built_in = [LieSubject(name, *SOUND[name]) for name in GRADER_SETS]
    return [*_read_files("sound/lies"), *own, *built_in]


def find_subject(subjects: Sequence[LieSubject], name: str) -> LieSubject:
    return next(subject for subject in subjects if subject.name == name)


def _read_files(folder: str) -> list[LieSubject]:
    return [
        LieSubject(
            one.name, one.prompts, one.rewards,
            FORM if FORM_CHECKED in str(one.rewards.entries[0].source) else None,
        )
        for one in list_subjects(folder)
    ]  # fmt: skip
