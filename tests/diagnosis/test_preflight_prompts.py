"""Prompts that all or none of the completions solve are found, and can be left out."""

import pytest

from rft_core.data import PromptTemplate, Split, make_prompt_set
from rft_core.diagnosis.preflight.answers import list_unparsable
from rft_core.diagnosis.preflight.prompts import (
    PassRule,
    find_pass_rule,
    keep_prompts,
    measure_pass_rates,
)
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry
from tests.diagnosis.dry_run_cases import make_tried

FORMAT, EQUATION = RewardEntry("format", "format"), RewardEntry("equation", "equation")


def test_prompts_fall_into_three_bands() -> None:
    rates = measure_pass_rates(make_tried([0, 0, 1, 1, 0, 1, None, 1, None, None], 2))
    assert rates.rates == (0, 1, 0.5, 1, None)
    assert (rates.too_hard, rates.between, rates.too_easy) == ((0,), (2,), (1, 3))


def test_the_histogram_keeps_never_and_always_apart_from_nearly() -> None:
    rates = measure_pass_rates(
        make_tried([0] * 20 + [1] + [0] * 19 + [1] * 39 + [0] + [1] * 20, 20)
    )
    counts = rates.histogram(20)
    assert len(counts) == 11
    assert (counts[0], counts[1], counts[9], counts[10]) == (1, 1, 1, 2)
    assert sum(measure_pass_rates(make_tried([0, 1, 1, 1], 2)).histogram(2)) == 2


def test_correctness_decides_and_its_highest_score_is_a_pass() -> None:
    data = make_tried({"format": [1] * 4, "equation": [0, 1] * 2}, 2, entries=[FORMAT, EQUATION])
    assert find_pass_rule(data) == PassRule("equation", 1.0)
    swapped = make_tried({"equation": [0] * 4, "format": [1] * 4}, 2, entries=[EQUATION, FORMAT])
    assert find_pass_rule(swapped).function == "equation"
    only_form = make_tried({"format": [0, 1]}, 2, entries=[FORMAT])
    assert find_pass_rule(only_form).function == "format"
    wide = make_tried([0, 5, 5, 2], 2)
    assert find_pass_rule(wide) == PassRule("f", 5)
    clipped = [RewardEntry("f", "python", source="...", clip_high=0.5)]
    assert find_pass_rule(make_tried([0, 0.5], 2, entries=clipped)).threshold == 0.5
    logged = [RewardEntry("f", "python", 0.0, source="...")]
    assert find_pass_rule(make_tried([0, 1], 2, entries=logged)).function == ""


def test_the_best_of_a_group_pass_where_a_function_only_compares() -> None:
    ranked = RewardEntry("f", "python", source="...", clip_high=0.5, in_group="rank")
    ranks = [0, 1 / 3, 2 / 3, 1, 1 / 6, 1 / 6, 5 / 6, 5 / 6, 0.5, 0.5, 0.5, 0.5]
    data = make_tried(ranks, 4, entries=[ranked])
    assert find_pass_rule(data) == PassRule("f", 1.0)
    assert measure_pass_rates(data).rates == (0.25, 0.5, None)
    judge = RewardEntry("g", "python", source="...")
    both = make_tried({"g": [0, 1], "f": [0, 1]}, 2, entries=[judge, ranked])
    assert find_pass_rule(both).function == "g"  # it says who is right


def test_a_threshold_and_the_whole_reward_can_be_chosen() -> None:
    data = make_tried({"format": [1, 1], "equation": [0, 0]}, 2, entries=[FORMAT, EQUATION])
    assert measure_pass_rates(data, PassRule("", 1.0)).rates == (1,)
    assert measure_pass_rates(data, PassRule("", 2.0)).rates == (0,)


def test_keeping_prompts_leaves_the_validation_rows_alone() -> None:
    rows = [{"q": str(number)} for number in range(6)]
    whole = make_prompt_set(
        rows,
        name="all",
        template=PromptTemplate("", "{{ q }}"),
        split=Split((0, 2, 3, 5), (1, 4), 7),
    )
    kept = keep_prompts(whole, [{"q": "3"}, {"q": "0"}, {"q": "1"}], "some")
    assert kept.train_rows == ({"q": "0"}, {"q": "3"})
    assert kept.validation_rows == whole.validation_rows
    assert (kept.name, kept.template, kept.split.seed) == ("some", whole.template, 7)
    assert kept.id != whole.id
    with pytest.raises(BadInputError, match="No prompt would be left"):
        keep_prompts(whole, [], "none")


def test_an_answer_is_looked_for_where_the_functions_look_for_it() -> None:
    texts = ["<answer>1</answer>", "#### 1", "1", "<answer>1</answer><answer>2</answer>"]
    column = {"f": [0.0] * 4}

    def unparsable(*entries: RewardEntry) -> list[bool] | None:
        data = make_tried(column, 2, entries=entries, texts=texts)
        return list_unparsable(data)

    tag, mark = RewardEntry("f", "equation"), RewardEntry("f", "numeric_match")
    assert unparsable(tag) == [False, True, True, True]
    assert unparsable(mark) == [False, False, True, True]
    assert unparsable(RewardEntry("f", "similarity")) is None  # of the whole text
    assert unparsable(RewardEntry("f", "python", source="...")) is None
    assert unparsable(RewardEntry("f", "format")) == [True] * 4  # all of them scored 0
