"""Which rows runs are evaluated on, through which prompt, and which runs can be compared."""

from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.data import PromptTemplate, Split, make_prompt_set
from rft_core.errors import BadInputError
from rft_core.evaluation.held_out import MOST_PROMPTS, HeldOut, find_held_out
from rft_core.jobs.pinning import pin_sets, store_prompt_set
from rft_core.store.index import open_index
from rft_core.store.runs import add_run, get_run
from rft_core.tasks import get_task
from rft_core.tasks.countdown import bucket
from rft_core.types import Row
from tests.tiny_run import add_tiny_run, make_tiny_prompts

OWN_WORDS = PromptTemplate(system="", user="Make {{ target }} of {{ nums }}.")
EASY = get_task("countdown-easy")


def add_countdown_run(
    runs_dir: Path,
    run: str = "run",
    *,
    rows: list[Row] | None = None,
    template: PromptTemplate = OWN_WORDS,
    parent: str | None = None,
    **settings: object,
) -> None:
    """Of uploaded rows, the last of them for validation; of the task's own where none are given."""
    with open_index(runs_dir) as index:
        if rows is not None:
            split = Split(tuple(range(len(rows) - 1)), (len(rows) - 1,), 0)
            prompts = make_prompt_set(rows, name="mine", template=template, split=split)
            settings["prompt_set"] = store_prompt_set(index, prompts)
        config = make_config({"task": "countdown-easy", "num_prompts": 8} | settings)
        add_run(index, id=run, config=pin_sets(index, config), parent_run=parent)


def find(runs_dir: Path, *run_ids: str, **options: object) -> HeldOut:
    with open_index(runs_dir) as index:
        runs = [get_run(index, run) for run in run_ids or ("run",)]
    return find_held_out(runs_dir, runs, **options)  # type: ignore[arg-type]


def test_a_built_in_task_is_evaluated_on_rows_that_no_training_sees(tmp_path: Path) -> None:
    add_countdown_run(tmp_path, task="countdown")
    held_out = find(tmp_path, num_prompts=20)
    assert len(held_out.rows) == len(held_out.prompts) == 20
    assert (held_out.task, held_out.source) == ("countdown", "held-out")
    assert all(bucket(row["nums"]) == "held_out" for row in held_out.rows)
    easy = find(tmp_path, task="countdown-easy", num_prompts=5)
    assert easy.task == "countdown-easy"


def test_uploaded_rows_are_never_evaluated_on(tmp_path: Path) -> None:
    """Neither trained nor validation rows, in any order of numbers, of any of the runs."""
    fresh = EASY.held_out(60)
    uploaded = [{"target": r["target"], "nums": r["nums"][::-1]} for r in fresh]
    add_countdown_run(tmp_path, "one", rows=uploaded[:20])
    add_countdown_run(tmp_path, "two", rows=uploaded[20:40])
    add_countdown_run(tmp_path, "fork", rows=EASY.load(4, 0, 0)[0], parent="two")
    for runs, seen in ((["one"], fresh[:20]), (["one", "fork"], fresh[:40])):
        rows = find(tmp_path, *runs, num_prompts=60).rows
        keys = {EASY.row_key(row) for row in rows}
        assert len(rows) == 60
        assert not keys & {EASY.row_key(row) for row in seen}


def test_the_prompt_is_the_one_that_the_run_was_trained_with(tmp_path: Path) -> None:
    add_countdown_run(tmp_path, rows=EASY.load(4, 0, 0)[0])
    for task in (None, "countdown-easy", "countdown"):  # the same columns: the same template
        held_out = find(tmp_path, task=task, num_prompts=3)
        for row, prompt in zip(held_out.rows, held_out.prompts, strict=True):
            assert prompt == OWN_WORDS.render(row)
        assert held_out.source == "held-out"


def test_rows_that_are_not_the_tasks_are_evaluated_by_validation(tmp_path: Path) -> None:
    rows = [{**row, "hint": "think"} for row in EASY.load(4, 0, 0)[0]]
    add_countdown_run(
        tmp_path, rows=rows, template=PromptTemplate("", "{{ hint }}: {{ target }} of {{ nums }}")
    )
    held_out = find(tmp_path)
    assert held_out.source == "validation"
    assert list(held_out.rows) == rows[-1:]


def test_an_upload_is_not_tested_on_a_tasks_own_stories(tmp_path: Path) -> None:
    """Stories and SVAMP have the same columns; they are not the same test."""
    words = get_task("word_problems")
    uploaded = [{"question": f"What is {n} + 1?", "answer": n + 1} for n in range(4)]
    add_countdown_run(
        tmp_path, "mine", rows=uploaded, template=words.template, task="word_problems"
    )
    add_countdown_run(tmp_path, "stories", task="word_problems")
    assert list(find(tmp_path, "mine").rows) == [uploaded[-1]]
    assert find(tmp_path, "stories", num_prompts=3).source == "held-out"
    assert find(tmp_path, "mine", task="word_problems", num_prompts=3).source == "held-out"


def test_a_custom_run_is_evaluated_on_its_validation_rows(tmp_path: Path) -> None:
    config = add_tiny_run(tmp_path, tmp_path / "model")
    held_out = find(tmp_path, "tiny")
    assert list(held_out.rows) == list(make_tiny_prompts().validation_rows)
    assert held_out.source == "validation"
    assert held_out.reward_set.id == config.reward_set
    with pytest.raises(BadInputError, match="brings no rows"):
        find(tmp_path, "tiny", task="gsm8k")


def test_validation_rows_that_another_run_has_trained_on_are_left_out(tmp_path: Path) -> None:
    add_tiny_run(tmp_path, tmp_path / "model", "one")
    prompts = make_tiny_prompts()
    with open_index(tmp_path) as index:
        rewards = get_run(index, "one").config.reward_set
    add_countdown_run(
        tmp_path, "two", rows=[*prompts.validation_rows[:2], {"question": "other"}],
        template=prompts.template, task="custom", reward_set=rewards,
    )  # fmt: skip
    assert list(find(tmp_path, "one", "two").rows) == list(prompts.validation_rows[2:])


def test_runs_of_different_tasks_or_prompts_are_not_compared(tmp_path: Path) -> None:
    rows = EASY.load(4, 0, 0)[0]
    add_countdown_run(tmp_path, "easy")
    add_countdown_run(tmp_path, "hard", task="countdown")
    add_countdown_run(tmp_path, "mine", rows=rows)
    with pytest.raises(BadInputError, match=r"countdown-easy \(easy\), countdown \(hard\)"):
        find(tmp_path, "easy", "hard")
    assert find(tmp_path, "easy", "hard", task="countdown", num_prompts=4).task == "countdown"
    with pytest.raises(BadInputError, match="different prompt templates"):
        find(tmp_path, "easy", "mine")


def test_absurd_numbers_of_prompts_are_refused_at_once(tmp_path: Path) -> None:
    add_countdown_run(tmp_path)
    with pytest.raises(BadInputError, match=f"1 to {MOST_PROMPTS:,}"):
        find(tmp_path, num_prompts=100_000_000)
    with pytest.raises(BadInputError, match="100,000,000 were asked for"):
        get_task("countdown").load(100_000_000, 0, seed=0)


def test_a_run_that_learns_from_pairs_needs_no_prompts_of_its_own(tmp_path: Path) -> None:
    """It is compared with the others through their prompt; what brings no rows is said."""
    add_countdown_run(tmp_path, rows=[dict(row) for row in EASY.held_out(6, seed=5)])
    with open_index(tmp_path) as index:
        add_run(index, id="pairs", config=make_config({"task": "countdown-easy"}))
        add_run(index, id="custom", config=make_config({"task": "custom"}))
    both = find(tmp_path, "pairs", "run", num_prompts=5)
    assert both.prompts == [OWN_WORDS.render(row) for row in both.rows]
    alone = find(tmp_path, "pairs", num_prompts=5)
    assert alone.prompts == [EASY.prompt(row) for row in alone.rows]
    with pytest.raises(BadInputError, match="None of the runs has prompts"):
        find(tmp_path, "custom")
