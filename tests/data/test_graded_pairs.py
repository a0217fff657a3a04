"""Which pairs are made of graded groups: variance, margins, limits, lengths, what is left out."""

import pytest

from rft_core.data.graded_pairs import GradedAnswer, GradedGroup, PairChoice, choose_pairs
from rft_core.errors import BadInputError


def group(
    *answers: tuple[str, float | None, int], prompt: str = "p", name: str = "g"
) -> GradedGroup:
    graded = tuple(GradedAnswer(text, reward, length) for text, reward, length in answers)
    return GradedGroup(name, [{"role": "user", "content": prompt}], {"n": 1}, graded)


def texts(groups: list[GradedGroup], **choice: float) -> list[tuple[str, str]]:
    chosen = choose_pairs(groups, PairChoice(**choice))  # type: ignore[arg-type]
    return [(pair.chosen, pair.rejected) for pair in chosen.pairs]


def test_the_best_is_put_against_the_worst_and_no_answer_is_used_twice() -> None:
    graded = group(("a", 1, 5), ("b", 0.1, 5), ("c", 0, 5), ("d", 0.9, 5), ("e", 0.5, 5))
    assert texts([graded]) == [("a", "c"), ("d", "b")]
    assert texts([graded], margin=0.95) == [("a", "c")]
    assert texts([graded], max_per_prompt=1) == [("a", "c")]


def test_a_group_in_which_all_earned_the_same_gives_none_and_is_counted() -> None:
    chosen = choose_pairs([group(("a", 1, 5), ("b", 1, 9))], PairChoice())
    assert chosen.pairs == () and chosen.without_variance == 1 and chosen.longer_chosen is None


def test_unscored_and_truncated_answers_are_on_neither_side() -> None:
    cut = GradedAnswer("cut off", 0.0, 80, truncated=True)
    graded = group(("a", 1, 5), ("never judged", None, 5))
    whole = GradedGroup(graded.name, graded.messages, graded.row, (*graded.answers, cut))
    assert texts([whole]) == []


def test_the_limit_is_of_a_prompt_however_many_groups_it_has_and_no_pair_comes_twice() -> None:
    first = group(("a", 1, 5), ("b", 0, 5), name="1")
    again = group(("a", 1, 5), ("b", 0, 5), prompt=" P ", name="2")  # the same prompt in disguise
    other = group(("c", 1, 5), ("d", 0, 5), name="3")
    assert texts([first, again, other]) == [("a", "b"), ("c", "d")]
    assert texts([first, again, other], max_per_prompt=1) == [("a", "b")]


def test_pairs_of_like_length_can_be_asked_for_and_length_is_told() -> None:
    graded = group(("long and right", 1, 20), ("short", 0, 5), ("long too", 0.2, 19))
    assert texts([graded]) == [("long and right", "short")]
    assert texts([graded], match_length=0.1) == [("long and right", "long too")]
    chosen = choose_pairs([graded], PairChoice())
    assert (chosen.longer_chosen, chosen.length_difference) == (1.0, 15)
    (pair,) = chosen.pairs
    assert (pair.margin, pair.group, pair.row) == (1.0, "g", {"n": 1})


@pytest.mark.parametrize("wrong", [{"margin": 0.0}, {"max_per_prompt": 0}, {"match_length": 2.0}])
def test_a_choice_that_means_nothing_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadInputError):
        PairChoice(**wrong)  # type: ignore[arg-type]
