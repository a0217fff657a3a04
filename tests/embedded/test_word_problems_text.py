"""The synthetic stories: seeded, under three prompts, imperfect in measure, split without leaks."""

import random

import pytest

from rft_core.embedded import word_problems_text
from rft_core.embedded.word_problems_text import (
    CHOICE_TEXT,
    PROGRAM_TEXT,
    STYLES,
    WORD_PROBLEMS_TEXT,
    imperfect_steps,
    insight,
    sample_row,
    write_drill,
)
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks.stories import generator
from rft_core.tasks.stories.kinds import KINDS
from rft_core.tasks.stories.story import LARGEST_VALUE, calculate, tell
from rft_core.tasks.word_problems import write_gold

SOURCES = (WORD_PROBLEMS_TEXT, PROGRAM_TEXT, CHOICE_TEXT)
each_source = pytest.mark.parametrize(
    "source", SOURCES, ids=[source.tasks[0].name for source in SOURCES]
)


def test_one_seed_writes_one_text():
    first, second = (WORD_PROBLEMS_TEXT.sample_text(random.Random(5)) for _ in range(2))
    assert (first.messages, first.completion) == (second.messages, second.completion)
    assert first.completion != WORD_PROBLEMS_TEXT.sample_text(random.Random(6)).completion


def test_the_three_prompts_are_mixed_and_are_the_built_in_tasks():
    rng = random.Random(0)
    samples = [WORD_PROBLEMS_TEXT.sample_text(rng) for _ in range(120)]
    for source in SOURCES:
        mine = [sample for sample in samples if sample.source is source]
        assert len(mine) > 20
        assert all(sample.messages == source.tasks[0].prompt(sample.row) for sample in mine)
    assert {task.name for task in WORD_PROBLEMS_TEXT.tasks} == {s.tasks[0].name for s in SOURCES}


def test_training_text_never_shows_an_evaluated_sum():
    rng = random.Random(0)
    seen = {generator.make_key(sample_row(rng)) for _ in range(1000)}
    for split in ("validation", "held_out"):
        rows = generator.make_rows(split, 100, 0)
        assert not seen & {generator.make_key(row) for row in rows}


def test_a_text_without_faults_is_the_gold_completion(monkeypatch):
    for name in ("SLIP_RATE", "TURNED_RATE"):
        monkeypatch.setattr(word_problems_text, name, 0)
    monkeypatch.setattr(word_problems_text, "INSIGHT", (1, 1))
    monkeypatch.setattr(word_problems_text, "STYLES", {"sentences": 1})
    rng = random.Random(1)
    rows = [sample_row(rng) for _ in range(60)]
    texts = [WORD_PROBLEMS_TEXT.write_completion(row, rng) for row in rows]
    golds = [write_gold(row) for row in rows]
    assert sum(text == gold for text, gold in zip(texts, golds, strict=True)) > 40


def test_every_style_tells_the_same_steps():
    rng = random.Random(2)
    told = set()
    for _ in range(60):
        steps = imperfect_steps(tell(KINDS["change"], rng), rng)
        bare = [step.sentence == "{}" for step in steps]
        told.add("sums" if all(bare) else "both" if any(bare) else "sentences")
    assert told == set(STYLES)


def test_a_drill_is_one_true_sum_within_what_stories_use():
    rng = random.Random(5)
    for _ in range(300):
        drill = write_drill(rng)
        left, sign, right, equals = drill.given.split()
        assert equals == "=" and drill.wanted == f"{calculate(int(left), sign, int(right))}\n"
        assert int(drill.wanted) <= LARGEST_VALUE


def test_some_kinds_are_mostly_planned_wrongly_and_some_mostly_rightly():
    rng = random.Random(0)
    shares = {name: insight(tell(kind, rng)) for name, kind in KINDS.items()}
    low, high = word_problems_text.INSIGHT
    assert all(low <= share <= high for share in shares.values())
    assert min(shares.values()) < 0.3 and max(shares.values()) > 0.65


@each_source
def test_the_text_is_as_imperfect_as_intended(source):
    rng = random.Random(3)
    rows = [source.sample_row(rng) for _ in range(250)]
    texts = [source.write_completion(row, rng) for row in rows]
    task = source.tasks[0]
    plain = [{field.name: row.get(field.name) for field in task.fields} for row in rows]
    with Scorer(task.reward_set, timeout=120) as scorer:
        samples = scorer.score(Batch([[]] * len(rows), texts, plain)).samples
    shares = {
        name: sum(one.scores[name] or 0 for one in samples) / len(samples)
        for name in task.reward_set.names
    }
    assert 0.72 < shares["format"] < 0.90
    assert 0.33 < shares["correctness"] < 0.60
    if task.name == "word_problems_choice":
        paid = [one for one in samples if one.scores["correctness"] == 1]
        lucky = [one for one in paid if one.scores["reasoning"] == 0]
        assert 0.08 < len(lucky) / len(paid) < 0.40
