"""Opening the reward models that rewards name, by run and step. Loads no torch where it must not.

Whoever makes a `Scorer` above this layer hands it a `RewardModels`. A run keeps copies of the
reward models of other runs that it is paid by; what it has trained itself lies in its checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rft_core.errors import BadInputError, NotFoundError
from rft_core.paths import SCORE_HEAD_FILE, get_reward_model_copy_dir
from rft_core.sampling.reward_process import RewardProcess
from rft_core.store.adapters import get_reward_model
from rft_core.types import Messages

ScoreAnswers = Callable[[Sequence[Messages], Sequence[str]], list[float]]


class RewardModels:
    """Called with a run and a step (None: the newest), gives that run's reward model, loaded.

    `asked_by`: the run whose rewards these are, if any. Of that run itself the answer is None while
    it has not trained its reward model yet. `here`: load it in this process, not in one beside it.
    """

    def __init__(self, runs_dir: Path, asked_by: str = "", *, here: bool = False) -> None:
        self._runs_dir, self._asked_by, self._here = runs_dir, asked_by, here

    def __call__(self, run: str, step: int | None) -> ScoreAnswers | None:
        """Raises `NotFoundError` for another run that has none."""
        if not (run or self._asked_by):
            raise BadInputError(
                "These rewards ask a reward model that is not named",
                "It is the one that a run trains itself, and here is no run",
                "Name the run of a reward model",
            )
        try:
            folder = self.find(run or self._asked_by, step)
        except NotFoundError:
            if run in ("", self._asked_by):
                return None
            raise
        if not self._here:
            return RewardProcess(folder)
        from rft_core.sampling.reward_model import RewardModel

        return RewardModel.load(folder).score

    def find(self, run: str, step: int | None) -> Path:
        """The folder with its adapter and head."""
        if self._asked_by and step is not None:
            copy = get_reward_model_copy_dir(self._runs_dir, self._asked_by, of=run, step=step)
            if (copy / SCORE_HEAD_FILE).is_file():
                return copy
        return get_reward_model(self._runs_dir, run, step).path
