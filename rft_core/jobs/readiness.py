"""Whether somebody is about to launch a run, so that a worker should be on its way already.

The wish is a file that ages: pages renew it while people fill in the form, the supervisor goes by
it, and it is gone with the first run that starts. RFT_SPARE_WORKER=0 keeps no worker ready, for
machines whose memory is short.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from rft_core.paths import get_readiness_path

LONGEST_SECONDS = 600.0


def wish_readiness(runs_dir: Path) -> bool:
    """Begin or renew the wish; False where nobody may wish, or there is no runs folder yet."""
    if os.environ.get("RFT_SPARE_WORKER", "") == "0":
        return False
    with suppress(OSError):
        get_readiness_path(runs_dir).touch(mode=0o600)
        return True
    return False


def is_readiness_wished(runs_dir: Path) -> bool:
    try:
        age = time.time() - get_readiness_path(runs_dir).stat().st_mtime
    except OSError:
        return False
    return age < LONGEST_SECONDS


def end_wish(runs_dir: Path) -> None:
    with suppress(OSError):
        get_readiness_path(runs_dir).unlink(missing_ok=True)
