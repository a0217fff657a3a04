"""Does it go on at all? A phase that stands still, and a worker that gives no sign of life."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from rft_core.diagnosis.doctor.evidence import RunEvidence
from rft_core.diagnosis.finding import Finding
from rft_core.store.phase_times import name_phase

CLOSED = 3  # of the same phase, before one can be called late
TIMES_MEDIAN = 6.0
FLOOR = 60.0  # seconds: nothing shorter is a stall
SILENT = 60.0  # seconds; a worker that lives touches its heartbeat every second

CURES: Mapping[str, str] = {
    "score": "A reward function may wait for something: read its output under Events, give it a "
    "smaller reward_timeout, or stop the run and score its newest completions in a dry run.",
    "sample": "Stop it with Kill now and resume from its checkpoint; if it stalls there again, "
    "lower max_completion_length or the batch.",
    "save": "Look at the disk that holds the runs folder: is it full, or far away?",
    "record": "Look at the disk that holds the runs folder: is it full, or far away?",
}
CURE = "Read the end of its log, then Kill now and Resume: it goes on from its last checkpoint."


def find_stalled_phase(evidence: RunEvidence) -> Finding | None:
    now = evidence.under_way
    if now is None or len(now.closed) < CLOSED:
        return None
    usual = median(now.closed)
    bound = max(TIMES_MEDIAN * usual, FLOOR)
    if now.silent_for <= bound:
        return None
    name = name_phase(now.phase)
    return Finding(
        "phase_stalled",
        "error",
        "It stands still",
        f"Nothing has moved for {_span(now.silent_for)} in {name}, which usually takes "
        f"{_span(usual)}.",
        f"The median of the last {len(now.closed)} is {usual:.1f} s; {TIMES_MEDIAN:g} times that, "
        f"and at least {FLOOR:g} s, is {bound:.0f} s. It has written nothing for "
        f"{now.silent_for:.0f} s.",
        CURES.get(now.phase, CURE),
        where=now.phase,
    )


def find_silent_worker(evidence: RunEvidence) -> Finding | None:
    silent = evidence.silent_for
    if silent is None or silent < SILENT:
        return None
    return Finding(
        "worker_silent",
        "error",
        "Its worker gives no sign of life",
        f"The worker holds the run, and has not touched its heartbeat for {_span(silent)}.",
        f"A worker that gets the processor touches it every second; this one was last seen "
        f"{silent:.0f} s ago.",
        "The machine may be asleep, out of memory, or swapping. Kill now, then Resume.",
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


RULES = (find_silent_worker, find_stalled_phase)
