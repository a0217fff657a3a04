"""A ballot by its keys: every ranking of two to four can be said, and undone."""

import pytest

from pages.components.preferences.ballot import Ballot


def type_keys(count: int, keys: str) -> Ballot:
    ballot = Ballot(count)
    for key in keys:
        ballot = ballot.press(key)
    return ballot


@pytest.mark.parametrize(
    ("count", "keys", "ranks"),
    [
        (2, "1", (1, 2)),
        (2, "2", (2, 1)),
        (2, "e", (1, 1)),
        (3, "2e", (2, 1, 2)),
        (3, "1t2", (1, 1, 2)),
        (3, "32", (3, 2, 1)),  # the last one needs no key
        (4, "314", (2, 4, 1, 3)),
        (4, "e", (1, 1, 1, 1)),
        (4, "4e", (2, 2, 2, 1)),
        (4, "12e", (1, 2, 3, 3)),
        (4, "1t2e", (1, 1, 2, 2)),
        (4, "12t3", (1, 2, 2, 3)),
        (4, "1t2t3", (1, 1, 1, 2)),
        (4, "1tt2e", (1, 2, 3, 3)),  # T again takes the tie back
    ],
)
def test_keys_say_a_ranking(count: int, keys: str, ranks: tuple[int, ...]) -> None:
    ballot = type_keys(count, keys)
    assert ballot.is_complete and ballot.ranks == ranks
    assert ballot.is_rest_equal == keys.endswith("e")
    assert not type_keys(count, keys[:-1]).is_complete


def test_every_ranking_with_ties_can_be_said() -> None:
    for count, orders in ((2, 3), (3, 13), (4, 75)):  # Fubini numbers
        said, waiting = set(), [Ballot(count)]
        while waiting:
            ballot = waiting.pop()
            said |= {ballot.ranks} - {None}
            waiting += [ballot.press(key) for key in "1234te" if ballot.allows(key)
                        and not (key == "t" and ballot.is_joining)]  # fmt: skip
        assert len(said) == orders


def test_undo_takes_back_one_key_after_the_other() -> None:
    ballot = type_keys(4, "31")
    assert [ballot.place_of(at) for at in range(4)] == [2, None, 1, None]
    assert ballot.press("u") == type_keys(4, "3")
    assert ballot.press("u").press("u") == Ballot(4)
    assert Ballot(4).press("u") == Ballot(4)


def test_a_skipped_item_has_no_ranks() -> None:
    ballot = type_keys(4, "3s")
    assert ballot.is_complete and ballot.is_skipped and ballot.ranks is None


@pytest.mark.parametrize(("count", "keys"), [(2, "3"), (2, "t"), (4, "t"), (4, "x"), (4, "5")])
def test_keys_that_say_nothing_change_nothing(count: int, keys: str) -> None:
    assert type_keys(count, keys) == Ballot(count)
    assert type_keys(4, "33") == type_keys(4, "3")
    assert type_keys(2, "12") == type_keys(2, "1")  # it was complete
