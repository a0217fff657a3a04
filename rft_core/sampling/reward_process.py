"""Asking a reward model in a process of its own: for callers that must not load torch.

    python -m rft_core.sampling.reward_process FOLDER < questions.json

Evaluations and dry runs may live in the dashboard's process, which stays small; training loads its
reward model itself. A process for each batch: it takes seconds to start, and leaves nothing behind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rft_core.errors import RftError, WorkerError
from rft_core.paths import PROJECT_ROOT
from rft_core.store.adapters import get_reward_model
from rft_core.types import Messages


class RewardProcess:
    """Scores as `RewardModel.score` does, elsewhere."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, messages: Sequence[Messages], completions: Sequence[str]) -> list[float]:
        """Raises `WorkerError`, with the last line that the process has said."""
        question = {"messages": [list(one) for one in messages], "completions": list(completions)}
        done = subprocess.run(
            [sys.executable, "-m", __name__, str(self._folder)],
            cwd=PROJECT_ROOT, input=json.dumps(question), capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()[-1:]
            raise WorkerError("The reward model could not be asked", "".join(said)[-500:])
        scores: list[float] = json.loads(done.stdout)
        return scores


def open_for_reranking(runs_dir: Path, run_id: str) -> RewardProcess:
    """What picks the best of k samples by the newest reward model of a run."""
    return RewardProcess(get_reward_model(runs_dir, run_id).path)


def main() -> None:
    from rft_core.sampling.reward_model import RewardModel

    question = json.load(sys.stdin)
    try:
        model = RewardModel.load(Path(sys.argv[1]))
        print(json.dumps(model.score(question["messages"], question["completions"])))
    except RftError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
