"""Small batches and reward sets that several tests score."""

from rft_core.rewards.contract import PYTHON_GRADER, Batch, RewardEntry, RewardSet

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
