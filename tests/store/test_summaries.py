"""What a long run comes to: rewards by window, and prompts through time, from a few of its rows."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from rft_core.store.generations import list_generations, with_evidence
from rft_core.store.run_reader import open_run
from rft_core.store.run_writer import GenerationRecord, PromptRecord, RunWriter, StepRecord
from rft_core.store.search import GenerationFilter
from rft_core.store.summaries.prompt_progress import list_prompt_progress
from rft_core.store.summaries.reward_counts import MOST_WINDOWS, count_rewards, spread

RUN = "a-run"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RunWriter]:
    writer = RunWriter(tmp_path, RUN)
    writer.start_attempt(from_step=0, pid=7)
    yield writer
    writer.close()


def record(
    writer: RunWriter, step: int, scores: list[float | None], *, prompt: int = 0,
    evidence: dict[str, str] | None = None,
) -> None:  # fmt: skip
    generations = [
        GenerationRecord(
            0, at, prompt, f"text {at}", 3, False, score, None, {"right": score}, {}, (),
            evidence or {},
        )
        for at, score in enumerate(scores)
    ]  # fmt: skip
    asked = [PromptRecord(prompt, {}, [{"role": "user", "content": f"q{prompt}"}], "q")]
    metrics = {"reward": 0.0}
    writer.record_step(
        StepRecord(step, "train", metrics, generations, asked, elapsed=step, tokens=step),
        max_steps=10_000,
    )


def test_few_steps_have_a_window_each_and_the_unjudged_are_counted(
    writer: RunWriter, tmp_path: Path
) -> None:
    record(writer, 1, [0.0, 1.0, 1.0, None])
    record(writer, 2, [0.5, 0.5])
    with open_run(tmp_path, RUN) as db:
        first, second = count_rewards(db)
    assert (first.first, first.last, first.rewards) == (1, 1, Counter({1.0: 2, 0.0: 1, None: 1}))
    assert second.rewards == Counter({0.5: 2})


def test_of_a_long_run_every_window_counts_a_few_whole_steps(
    writer: RunWriter, tmp_path: Path
) -> None:
    for step in range(1, 401):
        record(writer, step, [float(step <= 200)] * 3)
    with open_run(tmp_path, RUN) as db:
        windows = count_rewards(db)
    assert len(windows) == MOST_WINDOWS and (windows[0].first, windows[-1].last) == (1, 400)
    assert {window.steps_counted for window in windows} == {4}
    assert windows[0].rewards == Counter({1.0: 12}) and windows[-1].rewards == Counter({0.0: 12})


def test_prompts_are_learned_forgotten_or_never_solved(writer: RunWriter, tmp_path: Path) -> None:
    record(writer, 1, [0.0, 0.0], prompt=0)
    record(writer, 2, [1.0, 1.0], prompt=1)
    record(writer, 3, [0.0, 0.9], prompt=2)
    record(writer, 4, [1.0, None], prompt=3)
    record(writer, 5, [None, None], prompt=4)
    record(writer, 6, [1.0, 1.0], prompt=0)
    record(writer, 7, [0.0, 1.0], prompt=1)
    with open_run(tmp_path, RUN) as db:
        found, total = list_prompt_progress(db, ["right"])
        nothing, _ = list_prompt_progress(db, [])
    outcomes = {one.prompt_id: one.outcome for one in found}
    assert outcomes == {1: "learned", 2: "forgotten", 3: "never solved", 4: "always solved"}
    assert total == 5 and nothing == []
    assert [(v.step, v.passed, v.judged) for v in found[1].visits] == [(2, 2, 2), (7, 1, 2)]


def test_steps_from_one_to_another_are_let_through(writer: RunWriter, tmp_path: Path) -> None:
    for step in (1, 2, 3):
        record(writer, step, [1.0])
    with open_run(tmp_path, RUN) as db:
        kept = list_generations(db, GenerationFilter(step=2, last_step=3))
        assert [g.step for g in kept] == [3, 2]
        assert [g.step for g in list_generations(db, GenerationFilter(last_step=1))] == [1]


def test_evidence_is_read_where_it_is_asked_for_and_goes_with_its_step(
    writer: RunWriter, tmp_path: Path
) -> None:
    record(writer, 1, [1.0], evidence={"right": "because"})
    record(writer, 2, [1.0], evidence={"right": "half \ud800 of one"})
    writer.start_attempt(from_step=1, pid=8)
    with open_run(tmp_path, RUN) as db:
        (kept,) = list_generations(db)
        assert kept.evidence == {}
        assert with_evidence(db, kept).evidence == {"right": "because"}
        assert db.execute("SELECT count(*) FROM evidence").fetchone()[0] == 1


def test_a_spread_keeps_both_ends() -> None:
    assert spread(range(10), 4) == [0, 3, 6, 9]
    assert spread([1, 2], 4) == [1, 2]
