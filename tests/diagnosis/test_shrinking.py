"""Shrinking: what is left has the property, and loses it with any line, token or character."""

import random
from collections.abc import Callable, Sequence

import pytest

from rft_core.diagnosis.shortest_lie.shrinking import LEVELS, OutOfBudgetError, shrink

TEXT = "<think>first we add 12 and 30\nthen we look again</think>\n<answer>42</answer>\n" * 3
PROPERTIES: dict[str, Callable[[str], bool]] = {
    "holds a number": lambda text: "42" in text,
    "two things far apart": lambda text: "add" in text and text.rstrip().endswith("</answer>"),
    "a pair of tags": lambda text: text.count("<answer>") == text.count("</answer>") > 0,
    "more of these than of those": lambda text: text.count("n") > text.count("d") > 0,
    "an odd length": lambda text: len(text) % 2 == 1 and "add" in text,
    "anything": lambda text: True,
}


def asked(holds: Callable[[str], bool]) -> Callable[[Sequence[str]], list[bool]]:
    return lambda texts: [holds(text) for text in texts]


@pytest.mark.parametrize("name", PROPERTIES)
def test_no_unit_of_the_result_can_be_left_out(name: str) -> None:
    holds = PROPERTIES[name]
    assert holds(TEXT)
    least, is_minimal = shrink(TEXT, asked(holds))
    assert is_minimal and holds(least) and len(least) < len(TEXT)
    for split in LEVELS:
        units = split(least)
        assert "".join(units) == least
        if len(units) > 1:
            shorter = ["".join(units[:i] + units[i + 1 :]) for i in range(len(units))]
            assert not any(map(holds, shorter))


def test_what_is_known_to_be_least_is_found() -> None:
    assert shrink(TEXT, asked(PROPERTIES["holds a number"])) == ("42", True)
    assert shrink(TEXT, asked(PROPERTIES["anything"])) == ("", True)
    assert shrink("", asked(PROPERTIES["anything"])) == ("", True)


def test_random_properties_of_random_texts_shrink_to_least_ones() -> None:
    rng = random.Random(0)
    for _ in range(50):
        text = "".join(rng.choice("ab1 \n<>") for _ in range(60))
        needed = rng.sample(range(60), 4)
        wanted = sorted(text[place] for place in needed)

        def holds(candidate: str, wanted: list[str] = wanted) -> bool:
            return all(candidate.count(sign) >= wanted.count(sign) for sign in wanted)

        least, is_minimal = shrink(text, asked(holds))
        assert is_minimal and sorted(least) == wanted


def test_out_of_budget_it_gives_the_least_so_far_and_says_so() -> None:
    calls = 0

    def holds(texts: Sequence[str]) -> list[bool]:
        nonlocal calls
        calls += 1
        if calls > 4:
            raise OutOfBudgetError
        return ["42" in text for text in texts]

    least, is_minimal = shrink(TEXT, holds)
    assert not is_minimal and "42" in least and 2 < len(least) < len(TEXT)


def test_it_asks_few_questions_of_a_long_text() -> None:
    calls = 0

    def holds(texts: Sequence[str]) -> list[bool]:
        nonlocal calls
        calls += 1
        return ["needle" in text for text in texts]

    assert shrink("hay " * 3000 + "needle" + " hay" * 3000, holds) == ("needle", True)
    assert calls < 100
