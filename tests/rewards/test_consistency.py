"""Noise and dependence on the place in the batch are found; honest group rewards are not blamed."""

from rft_core.rewards.consistency import find_inconsistencies
from rft_core.rewards.scorer import Scorer
from tests.rewards.scoring_cases import make_batch, python_set

BATCH = make_batch(*(letter * (index % 7) for index, letter in enumerate("abcdefghijkl")))


def find(source: str, num_generations: int = 1):
    with Scorer(python_set(source)) as scorer:
        return find_inconsistencies(scorer, BATCH, num_generations)


def test_a_function_of_the_completion_alone_is_consistent():
    assert find("def f(completions): return [len(c) for c in completions]") == []


def test_a_random_function_is_reported_once():
    source = "import random\ndef f(completions): return [random.random() for c in completions]"
    [found] = find(source)
    assert (found.where, found.kind) == ("f", "non_deterministic")
    assert "scored twice" in found.what


def test_a_function_of_the_place_in_the_batch_is_reported():
    [found] = find("def f(completions): return list(range(len(completions)))")
    assert found.kind == "order"


def test_a_function_that_ranks_within_the_group_is_consistent():
    source = """
def f(completions):
    groups = [completions[i : i + 4] for i in range(0, len(completions), 4)]
    return [sorted(group).index(text) for group in groups for text in group]
"""
    assert find(source, num_generations=4) == []
