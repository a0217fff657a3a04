"""What a run has stored of its steps and their limits are counted from: phases, and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from benchmarks.roofline import GroupTokens
from rft_core.store.generations import get_prompts, iterate_generations
from rft_core.store.phase_times import PhaseTimes, get_phase_times
from rft_core.store.run_reader import open_run
from rft_core.store.search import GenerationFilter

WAITING = "waiting"  # the phase in which a step of ours waits for its turn


@dataclass(frozen=True)
class RunAccount:
    """Of all steps but the first, which is slower than those that follow; their groups by step."""

    times: PhaseTimes
    steps: list[list[GroupTokens]]


def read_account(
    runs_dir: Path, run_id: str, prompt_lengths: Sequence[int], *, all_taught: bool
) -> RunAccount:
    """`prompt_lengths`: of the training prompts, in tokens. `all_taught`: also completions without
    an advantage are learned from, as KL reaches them.
    """
    with open_run(runs_dir, run_id) as db:
        found = iterate_generations(db, GenerationFilter(split="train"))
        generations = [generation for generation in found if generation.step > 1]
        prompts = get_prompts(db, {generation.prompt_id for generation in generations})
        times = get_phase_times(db, window=max(g.step for g in generations) - 1)
    assert times is not None
    steps: dict[int, list[GroupTokens]] = {}
    for (step, _), some in groupby(generations, key=lambda g: (g.step, g.group_index)):
        group = list(some)
        steps.setdefault(step, []).append(
            GroupTokens(
                prompt_lengths[prompts[group[0].prompt_id].position],
                tuple(generation.num_tokens for generation in group),
                tuple(all_taught or generation.advantage != 0 for generation in group),
            )
        )
    spent = {phase: seconds for phase, seconds in times.seconds.items() if phase != WAITING}
    return RunAccount(replace(times, seconds=spent), list(steps.values()))
