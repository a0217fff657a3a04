"""Which completions are learned, and the random control of equal size: pure functions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rft_core.rewards.contract import FunctionReport, Scored
from rft_core.rewards.sampled_batch import SampledBatch
from rft_core.training.saving.rollout_cache import RolloutCache, hash_facts
from rft_core.training.self_training.selection import select_completions


def make_batch(positions: Sequence[int], completions: Sequence[str]) -> SampledBatch:
    count = len(positions)
    samples = [Scored({"right": 1 / 3, "odd": None}, 1 / 3, {"right": "ü"}, ("trick",))] * count
    report = FunctionReport("right", 0.1, metrics={"n": 0.1}, unscored_by_us=(0,))
    ids = [[ord(sign) for sign in text] for text in completions]
    return SampledBatch(
        tuple(positions), tuple(completions), ids, (False,) * count, tuple(samples), (report,)
    )


def make_random_batch(rng: np.random.Generator) -> tuple[SampledBatch, list[bool]]:
    """Groups of 16 with many texts twice; whether a text is right depends on the text."""
    positions = [position for position in range(6) for _ in range(16)]
    texts = [str(number) for number in rng.integers(0, 12, size=len(positions))]
    return make_batch(positions, texts), [int(text) % 3 == 0 for text in texts]


def test_a_grader_that_flips_makes_the_data_flip() -> None:
    batch = make_batch([0, 0, 1, 1], ["a", "b", "c", "d"])
    right = [True, False, False, True]
    assert select_completions(batch, right, most=10) == [0, 3]
    assert select_completions(batch, [not is_right for is_right in right], most=10) == [1, 2]


def test_one_completion_twice_counts_once_even_in_two_groups_of_its_prompt() -> None:
    batch = make_batch([0, 0, 1, 0, 0], ["a", "a", "a", "a \n", "b"])
    assert select_completions(batch, [True] * 5, most=10) == [0, 2, 4]


def test_at_most_ten_are_learned_of_one_prompt() -> None:
    batch = make_batch([0] * 14 + [1] * 3, [str(n) for n in range(17)])
    chosen = select_completions(batch, [True] * 17, most=10)
    assert Counter(batch.positions[index] for index in chosen) == {0: 10, 1: 3}


def test_what_is_gold_already_is_not_learned_once_more() -> None:
    batch = make_batch([0, 0, 1], ["gold", "other", "gold"])
    assert select_completions(batch, [True] * 3, most=10, known={0: "gold\n"}) == [1, 2]


def test_nothing_right_selects_nothing_and_nothing_at_random_either() -> None:
    batch = make_batch([0, 0], ["a", "b"])
    for rng in (None, np.random.default_rng(0)):
        assert select_completions(batch, [False, False], most=10, at_random=rng) == []


@pytest.mark.parametrize("most", [2, 10])
def test_the_control_takes_as_many_of_each_prompt_distinct_and_regardless_of_right(
    most: int,
) -> None:
    batch, right = make_random_batch(np.random.default_rng(1))
    known = {0: "3", 1: "1"}
    correct = select_completions(batch, right, most=most, known=known)
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chosen = select_completions(batch, right, most=most, known=known, at_random=rng)
        counts = [Counter(batch.positions[i] for i in each) for each in (correct, chosen)]
        assert counts[0] == counts[1]
        learned = [(batch.positions[i], batch.completions[i]) for i in chosen]
        assert len(set(learned)) == len(learned)
        assert not set(learned) & set(known.items())
        wrong += sum(not right[i] for i in chosen)
    share = wrong / (20 * len(correct))
    assert share == pytest.approx(1 - np.mean(right), abs=0.1)  # as sampled, not picked out


def test_the_control_is_drawn_by_its_seed_alone() -> None:
    batch, right = make_random_batch(np.random.default_rng(2))

    def draw(seed: int) -> list[int]:
        return select_completions(batch, right, most=3, at_random=np.random.default_rng(seed))

    assert draw(0) == draw(0) != draw(1)


def test_rollouts_are_read_back_as_they_were_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    cache = RolloutCache(tmp_path / "rollouts", "some")
    assert cache.read() == []
    first, second = make_batch([0, 1], ["a", "\ud800\n"]), make_batch([2], ["c"])
    cache.add(first)
    cache.add(second)
    assert cache.read() == [first, second]
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[:-9])
    assert cache.read() == [first]
    cache.add(second)
    assert cache.path.read_bytes() == whole


def test_rollouts_have_another_name_where_anything_that_they_depend_on_differs() -> None:
    facts = {"sampling": {"temperature": 1.0, "seed": 0}, "rewards": "rw-1"}
    other = {"sampling": {"temperature": 0.9, "seed": 0}, "rewards": "rw-1"}
    assert hash_facts(facts) == hash_facts(dict(reversed(facts.items()))) != hash_facts(other)
    assert hash_facts(facts) != hash_facts(facts | {"rewards": "rw-2"})


def test_a_batch_is_compared_by_all_that_it_holds() -> None:
    """Or the test above would say little."""
    batch = make_batch([0], ["a"])
    assert batch != replace(batch, truncated=(True,))
