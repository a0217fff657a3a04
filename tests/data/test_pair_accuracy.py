"""Held-out pair accuracy by hand: ties, prompts as the unit, stated margins, and length alone."""

import pytest

from rft_core.data.pair_accuracy import (
    JudgedPair,
    explain_length,
    measure_length_alone,
    summarise_pairs,
)


def judged(chosen: float, rejected: float, prompt: str = "p", **more: float) -> JudgedPair:
    lengths = (int(more.get("a", 3)), int(more.get("b", 2)))
    return JudgedPair(chosen, rejected, *lengths, prompt, more.get("stated"))


def test_pairs_of_one_prompt_are_one_piece_of_evidence_and_a_tie_is_half_right() -> None:
    pairs = [judged(2, 1), judged(1, 2), judged(3, 1), judged(1, 0, "q"), judged(1, 1, "r")]
    metrics = summarise_pairs(pairs)
    assert metrics["pairs/accuracy"] == pytest.approx((2 / 3 + 1 + 0.5) / 3)
    low, high = (metrics[f"pairs/accuracy_{end}"] for end in ("low", "high"))
    assert 0 < low < metrics["pairs/accuracy"] < high <= 1
    assert metrics["pairs/margin"] == pytest.approx((1 - 1 + 2 + 1 + 0) / 5)
    assert "pairs/accuracy_clear" not in metrics  # nobody said by how much
    assert summarise_pairs([]) == {}


def test_accuracy_is_told_apart_by_the_margin_that_was_stated() -> None:
    pairs = [judged(1, 0, f"p{n}", stated=n) for n in (3, 4)]
    pairs += [judged(0, 1, f"p{n}", stated=n) for n in (1, 2)]
    metrics = summarise_pairs(pairs)
    assert (metrics["pairs/accuracy_clear"], metrics["pairs/accuracy_close"]) == (1.0, 0.0)
    assert "pairs/accuracy_clear" not in summarise_pairs([judged(1, 0, stated=1)] * 3)


def test_length_alone_takes_the_better_of_its_two_rules() -> None:
    assert measure_length_alone(0.7) == (0.7, "the longer one wins")
    accuracy, rule = measure_length_alone(0.1)
    assert (accuracy, rule) == (pytest.approx(0.9), "the shorter one wins")


def test_it_is_said_where_length_predicts_as_well_and_only_there() -> None:
    longer = [judged(1, 0, f"p{n}") for n in range(40)]
    assert "“the longer one wins” alone 100%" in explain_length(summarise_pairs(longer))
    mixed = [judged(1, 0, f"p{n}", a=n % 2, b=1 - n % 2) for n in range(40)]
    assert explain_length(summarise_pairs(mixed)) == ""
    assert explain_length({}) == ""
