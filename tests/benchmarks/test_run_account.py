"""What limits are counted from, read back from a run: not its first step, nor what it waited."""

from pathlib import Path

import pytest

from benchmarks.roofline import GroupTokens
from benchmarks.run_account import WAITING, read_account
from rft_core.store.generations import iterate_generations
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import StepRecord
from rft_core.store.search import GenerationFilter
from tests.sample_run import PHASES, begin_run


@pytest.mark.parametrize("all_taught", [True, False])
def test_groups_and_phases_of_all_steps_but_the_first(tmp_path: Path, all_taught: bool) -> None:
    run = begin_run(tmp_path)
    run.train(3)
    waited = {phase: 3 * seconds for phase, seconds in PHASES.items()} | {WAITING: 50.0}
    run.writer.record_step(StepRecord(3, "validation", {}, phases=waited), max_steps=30)
    run.end()
    account = read_account(tmp_path, run.id, [11, 12], all_taught=all_taught)

    assert account.times.seconds == pytest.approx({p: 2 * s for p, s in PHASES.items()})
    assert account.times.num_steps == 2
    with open_run(tmp_path, run.id) as db:
        stored = list(iterate_generations(db, GenerationFilter(split="train")))
    expected: dict[int, list[GroupTokens]] = {2: [], 3: []}
    for step, index in ((2, 0), (2, 1), (3, 0), (3, 1)):
        group = [g for g in stored if (g.step, g.group_index) == (step, index)]
        taught = tuple(all_taught or g.advantage != 0 for g in group)
        lengths = tuple(g.num_tokens for g in group)
        expected[step].append(GroupTokens(11 + index, lengths, taught))
    assert account.steps == [expected[2], expected[3]]
    if not all_taught:
        groups = [group for step in account.steps for group in step]
        assert {taught for group in groups for taught in group.taught} == {True, False}
