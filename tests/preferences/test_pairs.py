"""Pairs from rankings: as many as the ranking says, all of one ranking together, none twice."""

import pytest

from rft_core.errors import BadInputError
from rft_core.preferences.pairs import derive_pairs, find_judged_run, pairs_from_judgements
from tests.judgements import make_judgement


@pytest.mark.parametrize(
    ("ranks", "expected"),
    [
        ((1, 2), ["a>b"]),
        ((2, 1), ["b>a"]),
        ((1, 1), []),
        ((1, 2, 3, 4), ["a>b", "a>c", "a>d", "b>c", "b>d", "c>d"]),
        ((4, 1, 3, 2), ["b>d", "b>c", "b>a", "d>c", "d>a", "c>a"]),
        ((2, 2, 1, 2), ["c>a", "c>b", "c>d"]),  # one is best, the rest are equal
        ((1, 1, 2, 2), ["a>c", "a>d", "b>c", "b>d"]),
        ((1, 1, 1, 1), []),
    ],
)
def test_a_ranking_gives_a_pair_for_each_two_that_are_not_equal(
    ranks: tuple[int, ...], expected: list[str]
) -> None:
    derived = derive_pairs([make_judgement("one", ranks)])
    assert [f"{pair.chosen}>{pair.rejected}" for pair in derived.pairs] == expected
    assert len(derived.pairs) + derived.ties == len(ranks) * (len(ranks) - 1) // 2
    assert {pair.group for pair in derived.pairs} <= {"one"}


def test_the_margin_is_how_many_places_lie_between() -> None:
    [ab, ac, bc] = derive_pairs([make_judgement("one", (1, 2, 3))]).pairs
    assert (ab.margin, ac.margin, bc.margin) == (1.0, 2.0, 1.0)


def test_what_gives_no_pair_is_counted_and_said() -> None:
    derived = derive_pairs(
        [
            make_judgement("one", (1, 2)),
            make_judgement("skipped", None),
            make_judgement("again", (2, 1), repeats="one"),
            make_judgement("tied", (1, 1)),
            make_judgement("same", (1, 2, 3), texts=["x", "x", "y"]),
        ]
    )
    assert [pair.group for pair in derived.pairs] == ["one", "same", "same"]
    assert derived.describe() == (
        "3 pairs of 5 judgements; 1 tie, 1 pair of equal texts, 1 skipped judgement and "
        "1 repeated item gave none."
    )
    assert derive_pairs([make_judgement("one", (1, 2))]).describe() == "1 pair of 1 judgement."


def test_a_pair_set_keeps_rankings_whole_and_knows_the_task_they_share() -> None:
    judgements = [make_judgement(f"r{n}", (1, 2, 3, 4)) for n in range(10)]
    made, _ = pairs_from_judgements(judgements, "mine", validation_share=0.2)
    train = {pair.group for pair in made.train_pairs}
    held_out = {pair.group for pair in made.validation_pairs}
    assert (len(train), len(held_out)) == (8, 2) and not train & held_out
    assert made.task == "custom"
    assert made.pairs[0].row == {"question": "question r0"}


def test_judgements_without_a_preference_make_no_pair_set() -> None:
    with pytest.raises(BadInputError, match="give no pair"):
        pairs_from_judgements([make_judgement("one", (1, 1))], "mine")


def test_the_run_whose_answers_were_judged_is_known_where_it_is_one() -> None:
    ours, other = make_judgement("one", (1, 2)), make_judgement("two", (2, 1), run="other")
    pairs, _ = pairs_from_judgements([ours], "ours")
    assert find_judged_run(pairs, [ours, other]) == "tiny"
    assert find_judged_run(pairs, [other]) is None  # an import, or taken back since
    assert find_judged_run(pairs_from_judgements([ours, other], "both")[0], [ours, other]) is None
