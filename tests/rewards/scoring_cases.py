"""Small batches and reward sets that several tests score."""

from rft_core.rewards.contract import (
    PYTHON_GRADER,
    Batch,
    FunctionReport,
    RewardEntry,
    RewardSet,
    Scoring,
)
from rft_core.rewards.scorer import Scorer

ROW = {"nums": [15, 74, 9], "target": 50}
RIGHT = "<think>74 - 15 = 59</think>\n<answer>74 - 15 - 9</answer>"


def make_batch(*completions: str, rows=None, completion_ids=()) -> Batch:
    return Batch(
        prompts=[[{"role": "user", "content": f"prompt {i}"}] for i in range(len(completions))],
        completions=list(completions),
        rows=rows or [ROW] * len(completions),
        completion_ids=completion_ids,
    )


def python_set(body: str, name: str = "f") -> RewardSet:
    """One user function `name`; `body` is the whole source."""
    return RewardSet((RewardEntry(name, PYTHON_GRADER, source=body),))


def run(body: str, *completions: str, timeout: float = 5, **options) -> Scoring:
    """Score completions by the function `f` of a source."""
    with Scorer(python_set(body), timeout=timeout) as scorer:
        return scorer.score(make_batch(*completions, **options))


def scores(scoring: Scoring) -> list[float | None]:
    return [sample.scores["f"] for sample in scoring.samples]


def report(scoring: Scoring) -> FunctionReport:
    return scoring.reports[0]
