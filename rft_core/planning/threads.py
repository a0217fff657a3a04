"""How many CPU threads to compute with, by the model's size and by what else computes now.

For a run it is chosen once, at launch, and kept through every resume: sums come out differently in
another number of parts, so a run that is to go on exactly as it would have must not choose anew.
Chat, evaluation and dry runs choose whenever they begin (`sampling/settings.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable

from rft_core.hardware import get_hardware, measure_busy_cores
from rft_core.model_files import ModelSummary

MOST_THREADS = 8
SMALL = 20_000_000  # parameters: below, threads wait for each other longer than they compute
SECONDS_WATCHED = 0.25


def choose_threads(
    model: ModelSummary | None,
    *,
    max_runs: int = 1,
    read_busy: Callable[[float], float] | None = None,
) -> int:
    """A fair share of the cores, but no more than are idle now, and at least one.

    The share is `cores // max_runs`, whoever asks first: with 8 cores and two runs at once, each
    gets 4 where nothing else computes, the second one beside the first as well. What is busy is
    taken from the cores, not from the share: another program on 3 of the 8 leaves the first run 4.
    OMP_NUM_THREADS decides where it is set. A model that is not on this machine yet is taken to be
    large; a small one gets one thread, and nothing is measured for it. `read_busy`: how many cores
    others use, from the seconds to look for; by default it looks, and a launch waits for that.
    """
    wanted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if wanted.isascii() and wanted.isdigit() and int(wanted):
        return int(wanted)
    cores = get_hardware().cores
    share = min(cores // max_runs, MOST_THREADS)
    if share <= 1 or (model is not None and model.parameters < SMALL):
        return 1
    busy = (read_busy or measure_busy_cores)(SECONDS_WATCHED)
    return max(1, min(share, round(cores - busy)))
