"""Self-agreement and win rates, by hand; and what is asked next."""

from collections import Counter
from dataclasses import replace

import pytest

from rft_core.preferences.agreement import measure_lanes, measure_self_agreement
from rft_core.preferences.asking import choose_repeat, draw_row, reorder, shuffle_order
from rft_core.store.preferences import Judgement
from tests.judgements import make_judgement


def ask_again(first: Judgement, ranks: tuple[int, ...] | None) -> Judgement:
    """The same answers, reversed."""
    shown = replace(first.shown, answers=first.shown.answers[::-1])
    return replace(first, id=f"{first.id} again", shown=shown, ranks=ranks, repeats=first.id)


def test_agreement_looks_at_the_answers_and_not_at_where_they_stood() -> None:
    first = make_judgement("one", (1, 2, 3, 4))
    same = measure_self_agreement([first, ask_again(first, (4, 3, 2, 1))])
    opposite = measure_self_agreement([first, ask_again(first, (1, 2, 3, 4))])
    one_pair_differs = measure_self_agreement([first, ask_again(first, (3, 4, 2, 1))])
    assert same and opposite and one_pair_differs
    assert (same.value, opposite.value) == (1.0, 0.0)
    assert one_pair_differs.value == pytest.approx(5 / 6)


def test_a_tie_agrees_with_a_tie_only() -> None:
    tie = make_judgement("one", (1, 1))
    agreed = measure_self_agreement([tie, ask_again(tie, (1, 1))])
    not_agreed = measure_self_agreement([tie, ask_again(tie, (1, 2))])
    assert agreed and agreed.value == 1.0
    assert not_agreed and not_agreed.value == 0.0


def test_agreement_needs_two_judgements_of_one_item_and_has_an_interval() -> None:
    first, other = make_judgement("one", (1, 2)), make_judgement("two", (1, 2))
    assert measure_self_agreement([first, other, ask_again(first, None)]) is None
    found = measure_self_agreement(
        [first, other, ask_again(first, (2, 1)), ask_again(other, (1, 2))]
    )
    assert found and (found.value, found.n) == (0.5, 2)
    assert found.ci[0] < 0.2 and found.ci[1] > 0.8


def test_a_win_rate_counts_each_judgement_once_and_a_tie_as_half() -> None:
    judgements = [
        make_judgement("one", (1, 2)),  # base beats step 2
        make_judgement("two", (1, 1)),
        make_judgement("three", (2, 1)),
        make_judgement("four", (1, 2)),
        make_judgement("skipped", None),
        make_judgement("repeated", (1, 2), repeats="one"),
    ]
    base, tuned = measure_lanes(judgements)
    assert (base.lane, tuned.lane) == ("base tiny", "tiny step 2")
    assert base.win_rate and tuned.win_rate
    assert (base.win_rate.value, tuned.win_rate.value) == (0.625, 0.375)
    assert (base.win_rate.n, base.answers, base.best) == (4, 4, 3)
    assert base.win_rate.ci[0] < 0.625 < base.win_rate.ci[1]


def test_samples_of_one_lane_have_no_win_rate() -> None:
    judgement = make_judgement("one", (1, 2))
    answers = tuple(replace(a, lane="base", run=None, step=None) for a in judgement.shown.answers)
    alone = replace(judgement, shown=replace(judgement.shown, answers=answers))
    [record] = measure_lanes([alone])
    assert record.win_rate is None and record.answers == 2


def test_one_item_in_twenty_is_asked_again_once_and_not_at_once() -> None:
    judged: list[Judgement] = []
    for number in range(600):
        repeat = choose_repeat(judged)
        if repeat is not None:
            assert repeat not in judged[-5:]
            judged.append(ask_again(repeat, (1, 2)))
        else:
            judged.append(make_judgement(str(number), None if number % 7 == 0 else (1, 2)))
    repeats = [judgement.repeats for judgement in judged if judgement.repeats]
    assert 15 <= len(repeats) <= 45
    assert max(Counter(repeats).values()) == 1
    assert all(int(str(id)) % 7 for id in repeats)


def test_a_repeated_item_stands_in_another_order() -> None:
    for count in range(30):
        shown = make_judgement("one", (1, 2)).shown
        again = reorder(shown, count)
        assert again.answers == shown.answers[::-1]
        four = make_judgement("one", (1, 2, 3, 4)).shown
        assert reorder(four, count).answers != four.answers
        assert set(reorder(four, count).answers) == set(four.answers)


def test_every_row_comes_once_before_the_first_comes_again_with_another_seed() -> None:
    rows = [{"question": f"q{number}"} for number in range(7)]
    judged = [make_judgement("on another page", (1, 2), question="q3")]
    judged.append(make_judgement("again", (1, 2), question="q4", repeats="on another page"))
    drawn = []
    for number in range(13):
        at, seed = draw_row(judged, rows)
        drawn.append((at, seed))
        judged.append(make_judgement(str(number), (1, 2), question=f"q{at}"))
    assert sorted(at for at, _ in drawn[:6]) == [0, 1, 2, 4, 5, 6]
    assert sorted(at for at, _ in drawn[6:]) == list(range(7))
    assert [seed for _, seed in drawn] == [0] * 6 + [1] * 7


def test_no_place_on_the_screen_belongs_to_a_lane() -> None:
    first = Counter(shuffle_order(count, 2)[0] for count in range(400))
    assert 150 < first[0] < 250
