"""How many CPU threads a run computes with: chosen once, at launch, and kept through every resume.

Sums come out differently in another number of parts, so a run that is to go on exactly as it would
have must not choose anew.
"""

from __future__ import annotations

import os

from rft_core.hardware import get_hardware
from rft_core.model_files import ModelSummary

MOST_THREADS = 8
SMALL = 20_000_000  # parameters: below, threads wait for each other longer than they compute


def choose_threads(model: ModelSummary | None, *, max_runs: int = 1) -> int:
    """The cores that nothing else uses now, shared by as many runs as may live at once.

    OMP_NUM_THREADS decides where it is set. A model that is not on this machine yet is taken to be
    large; a small one gets one thread.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if wanted.isascii() and wanted.isdigit() and int(wanted):
        return int(wanted)
    if model is not None and model.parameters < SMALL:
        return 1
    idle = get_hardware().cores - os.getloadavg()[0]
    return max(1, min(round(idle / max_runs), MOST_THREADS))
