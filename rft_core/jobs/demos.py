"""The built-in demos: runs of the models that ship with the project, one run of each at most."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rft_core.config import PRESETS, make_config
from rft_core.jobs.launcher import launch, resume
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import ensure_set
from rft_core.store.state.status import get_run_status
from rft_core.tasks.triton.kernels import NAIVE_REWARDS


@dataclass(frozen=True)
class Demo:
    """A preset, with other rewards than its task's where there are any."""

    preset: str
    rewards: RewardSet | None = None
    title: str = ""


DEMOS: dict[str, Demo] = {
    "countdown": Demo("Countdown demo"),
    "triton": Demo("Triton demo"),
    "triton-naive": Demo("Triton demo", NAIVE_REWARDS, "Triton demo, naive rewards"),
}


def launch_demo(runs_dir: Path, name: str = "countdown") -> str:
    """Queue a demo, or go on with its run where that ended early.

    Whoever asks for it, and however often, gets one run. Returns its id.
    """
    demo = DEMOS[name]
    settings = dict(PRESETS[demo.preset])
    if demo.rewards:
        settings |= {"name": demo.title, "reward_set": demo.rewards.id}
        with open_index(runs_dir) as index:
            ensure_set(
                index,
                "rewards",
                id=demo.rewards.id,
                name=demo.rewards.name,
                content=demo.rewards.to_json(),
            )
    run_id = launch(runs_dir, make_config(settings), command_id=f"demo-{name}")
    with open_index(runs_dir) as index:
        must_resume = get_run_status(index, runs_dir, run_id).is_resumable
    if must_resume:
        resume(runs_dir, run_id)
    return run_id
