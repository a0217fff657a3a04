"""Train / validation split: sizes, seeds, duplicates."""

import random

import pytest

from rft_core.data import split_prompts
from rft_core.errors import BadInputError

PROMPTS = [f"prompt {i}" for i in range(100)]


def test_sizes_are_met_by_fraction_and_by_count():
    assert len(split_prompts(PROMPTS, validation=0.2, seed=1).validation) == 20
    assert len(split_prompts(PROMPTS, validation=7, seed=1).validation) == 7
    small = split_prompts(PROMPTS[:10], validation=0.01, seed=1)
    assert (len(small.train), len(small.validation)) == (9, 1)


def test_every_row_is_on_exactly_one_side():
    split = split_prompts(PROMPTS, validation=0.3, seed=5)
    assert sorted(split.train + split.validation) == list(range(100))
    assert list(split.train) == sorted(split.train)


def test_the_seed_decides():
    assert split_prompts(PROMPTS, validation=9, seed=1) == split_prompts(
        PROMPTS, validation=9, seed=1
    )
    assert (
        split_prompts(PROMPTS, validation=9, seed=1).validation
        != split_prompts(PROMPTS, validation=9, seed=2).validation
    )


def test_the_order_of_rows_does_not_matter():
    shuffled = random.Random(3).sample(PROMPTS, 100)
    before = split_prompts(PROMPTS, validation=0.2, seed=1).validation
    after = split_prompts(shuffled, validation=0.2, seed=1).validation
    assert {PROMPTS[i] for i in before} == {shuffled[i] for i in after}


def test_duplicates_never_straddle_the_split():
    rng = random.Random(0)
    for seed in range(50):
        prompts = [rng.choice(["a", "A ", " a", "b", "B\n", "c d", "C  D", "e"]) for _ in range(20)]
        split = split_prompts(prompts, validation=rng.choice([0.1, 0.5, 3]), seed=seed)
        keys = [" ".join(prompt.casefold().split()) for prompt in prompts]
        assert not {keys[i] for i in split.train} & {keys[i] for i in split.validation}
        assert split.train
        assert split.validation


def test_one_prompt_stays_in_training_however_often_it_is_repeated():
    assert split_prompts(["a"], validation=0.2, seed=0).validation == ()
    assert split_prompts(["a", "A", "a "], validation=0.5, seed=0).train == (0, 1, 2)
    assert len(split_prompts(["a", "b"], validation=0.2, seed=0).validation) == 1


@pytest.mark.parametrize("validation", [0, -1, 2.5, 100, 1000, float("nan"), float("inf")])
def test_impossible_sizes_are_refused(validation):
    with pytest.raises(BadInputError):
        split_prompts(PROMPTS, validation=validation, seed=0)
