from collections import Counter
from itertools import islice

from rft_core.training.prompt_order import PromptOrder


def make_order(num_prompts: int = 10, num_batches: int = 6, seed: int = 0, uses: int = 1):
    return PromptOrder(
        num_prompts,
        prompts_per_batch=4,
        num_generations=2,
        uses=uses,
        num_batches=num_batches,
        seed=seed,
    )


def test_groups_are_consecutive_and_the_length_is_what_comes_out() -> None:
    order = list(make_order())
    assert len(order) == len(make_order()) == 6 * 4 * 2
    assert order[::2] == order[1::2]


def test_every_prompt_is_used_once_before_any_is_used_again() -> None:
    prompts = list(make_order(num_batches=5))[::2]
    assert sorted(prompts[:10]) == sorted(prompts[10:]) == list(range(10))
    assert prompts[:10] != prompts[10:]


def test_fewer_prompts_than_a_step_needs_still_fill_it() -> None:
    order = list(make_order(num_prompts=3))
    assert len(order) == 48
    assert Counter(order).most_common(1)[0][1] == 16


def test_a_batch_is_given_out_once_for_every_use() -> None:
    order = list(make_order(uses=3))
    assert order[:8] == order[8:16] == order[16:24]
    assert order[24:32] != order[:8]


def test_the_order_depends_on_the_seed_alone() -> None:
    assert list(make_order(seed=3)) == list(make_order(seed=3))
    assert list(make_order(seed=3)) != list(make_order(seed=4))
    longer = make_order(num_batches=100, seed=3)
    assert list(islice(longer, 48)) == list(make_order(seed=3))
