"""A run's report, for the page and the command line alike: read, judged, written as one file."""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rft_core.errors import NotFoundError
from rft_core.export.report.contents import read_contents
from rft_core.export.report.document import write_document
from rft_core.figures import Curves, extend_curves
from rft_core.hardware import get_hardware
from rft_core.jobs.judging.judge import judge_run
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, metrics_frame, open_run
from rft_core.store.state.status import get_run_status

PACKAGES = ("torch", "transformers", "trl", "peft", "vllm")


def make_report(runs_dir: Path, run_id: str) -> str:
    """One HTML document. Raises `NotFoundError` for a run that is not there or has not begun, and
    `UnreadableRunError` for one that cannot be read."""
    with open_index(runs_dir) as index:
        status = get_run_status(index, runs_dir, run_id)
    if not has_database(runs_dir, run_id):
        raise NotFoundError(
            f"There is nothing to report of '{run_id}' yet",
            "Its worker has not begun",
            "Wait for its first step",
        )
    with open_run(runs_dir, run_id) as db:
        curves = extend_curves(Curves(), metrics_frame(db))
    judgement = judge_run(runs_dir, status.run, status.step, curves)
    contents = read_contents(
        runs_dir, status, curves, judgement.findings,
        verdict=judgement.preflight.sentence if judgement.preflight else "",
        written_on=_describe_machine(),
    )  # fmt: skip
    return write_document(contents, time.time())


def _describe_machine() -> dict[str, str]:
    """Versions are read from what is installed: nothing heavy is imported."""
    found = {"Machine": get_hardware().describe(), "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
