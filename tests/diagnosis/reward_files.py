"""The planted and the sound rewards: user files that name the prompts which they are for.

Each is a file of reward functions as people write them, with `TASK = "..."` and a docstring that
says what the bug is, or what is rewarded. They were written in five batches. The rules were set on
the first; each of the others was measured as it was written, then its misses were mended and it
joined the first. Nothing was changed after the last, which is hold_out/. On first sight, and on
four prompts, the four later batches gave 23 of 24, 19 of 20, 15 of 16 and 10 of 10 bugs caught
(96%), and 3 of 22, 0 of 20, 0 of 16 and 0 of 10 sound rewards accused (4%). On a single prompt it
was 64 of 70 (91%) and 4 of 68 (6%): some bugs cannot be exploited on any one prompt.
"""

import ast
from dataclasses import dataclass
from pathlib import Path

from rft_core.diagnosis.probes.report import ProbeReport
from rft_core.diagnosis.probes.reward_probes import probe_rewards
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.rewards.scorer import Scorer
from tests.diagnosis.grader_sets import PLANTED, SOUND
from tests.diagnosis.probe_rows import list_cases

CASES = Path(__file__).resolve().parents[1] / "cases"


@dataclass(frozen=True)
class Subject:
    """A reward set to probe, and the prompts to probe it on (see `probe_rows.py`)."""

    name: str
    prompts: str
    rewards: RewardSet

    def probe(self, num_prompts: int = 4) -> ProbeReport:
        with Scorer(self.rewards) as scorer:
            return probe_rewards(scorer, list_cases(self.prompts, num_prompts))


def list_subjects(folder: str) -> list[Subject]:
    """All files of `planted`, `sound`, or the hold_out in either."""
    return [_read(path) for path in sorted((CASES / folder).glob("*.py"))]


def list_grader_sets(*, planted: bool) -> list[Subject]:
    """Sets of built-in graders, of which users only choose the options."""
    table = PLANTED if planted else SOUND
    return [Subject(name, prompts, rewards) for name, (prompts, rewards) in table.items()]


def _read(path: Path) -> Subject:
    source = path.read_text(encoding="utf-8")
    rewards = reward_set_from_source(source, path.stem)
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TASK":
            return Subject(path.stem, ast.literal_eval(node.value), rewards)
    raise ValueError(f"{path} does not name its TASK")
