"""The built-in demos, one run of each at most: of the models that ship with the project, and of one
real instruct model, which is fetched first.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rft_core.config import PRESETS, make_config
from rft_core.hardware import get_hardware
from rft_core.jobs.demo_model import HUB_ID, Report, ensure_instruct_model, ignore_report
from rft_core.jobs.launcher import launch, resume
from rft_core.store.index import open_index
from rft_core.store.state.status import get_run_status


@dataclass(frozen=True)
class Demo:
    """A preset; `rewards` names others of its task's."""

    preset: str
    rewards: str = ""
    title: str = ""


DEMOS: dict[str, Demo] = {
    "countdown": Demo("Countdown demo"),
    "triton": Demo("Triton demo"),
    "triton-naive": Demo("Triton demo", "naive", "Triton demo, naive rewards"),
    "real": Demo("SmolLM2 demo"),
}


def launch_demo(runs_dir: Path, name: str = "countdown", report: Report = ignore_report) -> str:
    """Queue a demo, or go on with its run where that ended early.

    Whoever asks for it, and however often, gets one run. Returns its id. Raises
    `ModelUnavailableError` where its model is neither here nor to be had; `report` hears of that.
    """
    demo = DEMOS[name]
    settings = dict(PRESETS[demo.preset])
    if settings.get("model") == HUB_ID:
        settings |= {"model": ensure_instruct_model(runs_dir, report), "dtype": choose_dtype()}
    if demo.rewards:
        settings |= {"name": demo.title, "reward_set": demo.rewards}
    run_id = launch(runs_dir, make_config(settings), command_id=f"demo-{name}")
    with open_index(runs_dir) as index:
        must_resume = get_run_status(index, runs_dir, run_id).is_resumable
    if must_resume:
        resume(runs_dir, run_id)
    return run_id


def choose_dtype() -> str:
    """Without the CPU's own instructions for it, bfloat16 is slower than float32."""
    hardware = get_hardware()
    return "bfloat16" if hardware.gpus or hardware.has_bfloat16 else "float32"
