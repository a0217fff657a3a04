"""A dry run that cannot teach is called so, with the cause and what to do about it."""

from dataclasses import replace

import pytest

from rft_core.diagnosis.preflight.report import Preflight, check_dry_run
from rft_core.diagnosis.preflight.warnings import chance_warning, suggest_length
from rft_core.rewards.contract import RewardEntry
from rft_core.types import Problem
from tests.diagnosis.dry_run_cases import make_tried


def kinds(preflight: Preflight) -> set[str]:
    return {warning.kind for warning in preflight.warnings}


def find(preflight: Preflight, kind: str) -> Problem:
    [warning] = [warning for warning in preflight.warnings if warning.kind == kind]
    return warning


def test_a_healthy_dry_run_has_no_warnings_and_says_what_training_begins_with() -> None:
    preflight = check_dry_run(make_tried([1, 0, 0, 1] * 4, 4))
    assert preflight.warnings == ()
    assert preflight.can_learn
    assert (preflight.mean_reward, preflight.zero_variance, preflight.truncated) == (0.5, 0.0, 0.0)
    assert preflight.functions[0].mean == 0.5
    assert "about 8 of the 8 groups of a step will carry a gradient" in preflight.verdict


@pytest.mark.parametrize(
    ("rewards", "cure"),
    [
        ([0.0] * 8, "easier prompts"),
        ([1.0] * 8, "harder prompts"),
        ([1.0] * 4 + [0.0] * 4, "partial credit, or sample more"),
    ],
)
def test_equal_rewards_in_every_group_cannot_teach(rewards: list[float], cure: str) -> None:
    preflight = check_dry_run(make_tried(rewards, 4))
    assert cure in find(preflight, "no_variance").fix
    assert not preflight.can_learn
    assert cure in preflight.verdict


def test_a_set_that_pays_for_nothing_is_told_to_give_a_weight() -> None:
    logged = [RewardEntry("f", "python", 0.0, source="...")]
    preflight = check_dry_run(make_tried([0.0, 1.0] * 4, 4, entries=logged))
    assert "Give a function a weight" in find(preflight, "unpaid").fix
    assert "nothing is paid for" in preflight.verdict and not preflight.can_learn
    assert "no_variance" not in kinds(preflight)


def test_equal_texts_are_named_as_the_cause_of_equal_rewards() -> None:
    preflight = check_dry_run(make_tried([0.0] * 8, 4, texts=["a"] * 4 + ["b"] * 4))
    assert "Raise the temperature" in find(preflight, "no_variance").fix


def test_cut_off_completions_are_named_as_the_cause_of_equal_rewards() -> None:
    preflight = check_dry_run(make_tried([0.0] * 8, 4, truncated=[True] * 8))
    assert "Let the completions end first" in find(preflight, "no_variance").fix


def test_most_groups_without_variance_are_a_warning() -> None:
    preflight = check_dry_run(make_tried([0.0] * 18 + [0.0, 1.0], 2))
    assert preflight.zero_variance == 0.9
    assert "90% of the groups" in find(preflight, "no_variance").what
    assert preflight.can_learn


@pytest.mark.parametrize(("cut", "can_learn"), [(8, False), (5, True)])
def test_truncation_is_named_first_with_the_length_to_set(cut: int, can_learn: bool) -> None:
    truncated = [True] * cut + [False] * (8 - cut)
    lengths = [90] * cut + [60] * (8 - cut)
    data = make_tried([1, 0] * 4, 2, truncated=truncated, lengths=lengths, max_completion_length=90)
    preflight = check_dry_run(data)
    assert preflight.can_learn is can_learn
    assert preflight.verdict == (
        f"{cut / 8:.0%} of the completions were cut off at 90 tokens, before their answer: "
        "raise max_completion_length to 180."
    )


def test_the_suggested_length_follows_the_finished_completions() -> None:
    cut = [True] * 4 + [False] * 16
    assert suggest_length([80] * 4 + [70] * 16, cut, 80) == 110
    assert suggest_length([80] * 4 + [10] * 16, cut, 80) == 100
    assert suggest_length([80] * 20, [True] * 20, 80) == 160
    assert suggest_length([], [], 80) == 160


def test_completions_without_an_answer_are_named_unless_they_were_just_cut_off() -> None:
    entries = [RewardEntry("right", "exact_match")]
    texts = ["<answer>1</answer>", "1", "one", "?"] * 2
    data = make_tried({"right": [1, 0, 0, 0] * 2}, 4, entries=entries, texts=texts)
    preflight = check_dry_run(data)
    assert preflight.unparsable == 0.75
    assert "From 75% of the completions no answer" in find(preflight, "unparsable").what
    cut = [False, True, True, True] * 2
    data = make_tried({"right": [1, 0, 0, 0] * 2}, 4, entries=entries, texts=texts, truncated=cut)
    assert kinds(check_dry_run(data)) == {"truncated", "few_prompts"}


def test_slow_constant_wide_and_unscored_functions_are_named() -> None:
    assert "slow" in kinds(check_dry_run(make_tried([1, 0], 2, seconds=1.0)))
    assert "constant" in kinds(check_dry_run(make_tried([1, 1], 2)))
    assert "out_of_range" in kinds(check_dry_run(make_tried([1, 500], 2)))
    assert "unscored" in kinds(check_dry_run(make_tried([1, None], 2)))


def test_a_broken_contract_stops_only_where_nothing_is_scored() -> None:
    broken = {"error": "boom", "error_kind": "exception"}
    some = check_dry_run(make_tried([1, 0, None], 3, report=broken))
    assert "exception" in kinds(some) and some.can_learn
    broken["error_kind"] = "hang"
    none = check_dry_run(make_tried([None, None], 2, report=broken))
    assert "reward_timeout" in find(none, "hang").fix and not none.can_learn


def test_a_fix_points_to_a_traceback_only_where_there_is_one() -> None:
    broken = {"error": "boom", "error_kind": "exception"}
    bare = find(check_dry_run(make_tried([1, None], 2, report=broken)), "exception")
    traced = broken | {"traceback": "line 3"}
    shown = find(check_dry_run(make_tried([1, None], 2, report=traced)), "exception")
    lacking = broken | {"error_kind": "unusable"}
    unusable = find(check_dry_run(make_tried([1, None], 2, report=lacking)), "unusable")
    assert "traceback" in shown.fix and "traceback" not in bare.fix
    assert "column" in unusable.fix


def test_nothing_scored_is_an_error() -> None:
    assert not check_dry_run(make_tried([], 4)).can_learn


def test_prompts_that_teach_nothing_are_a_note_and_notes_come_last() -> None:
    rewards = [0, 0, 1, 1, 0, 1, 0, 0]
    preflight = check_dry_run(make_tried(rewards, 2, truncated=[True] * 5 + [False] * 3))
    assert "Never solved: 2 of 4 prompts; always solved: 1" in find(preflight, "bands").what
    assert [w.severity for w in preflight.warnings] == ["warning", "info"]


def test_every_warning_says_what_to_do_or_is_a_note() -> None:
    for rewards in ([0.0] * 8, [1, None] * 4, [1, 500] * 4):
        for warning in check_dry_run(make_tried(rewards, 4, truncated=[True] * 8)).warnings:
            assert warning.fix or warning.severity == "info"
            assert warning.sentence.startswith(warning.what.rstrip("."))


def test_always_answering_a_is_at_chance_level() -> None:
    golds = list("ABCDA")
    warning = chance_warning(["A"] * 5, golds)
    assert warning is not None and warning.kind == "chance_level"
    assert "40%" in warning.what
    assert chance_warning(golds, golds) is None
    assert chance_warning([], []) is None


def test_guessing_a_little_above_chance_is_warned_about_and_knowing_is_not() -> None:
    golds = list("ABCD") * 16

    def answer(right: int) -> list[str]:
        wrong = ["B" if gold == "A" else "A" for gold in golds[right:]]
        return golds[:right] + wrong

    hair_above = chance_warning(answer(17), golds)
    assert hair_above is not None and "27% right (17% to 38%)" in hair_above.what
    assert chance_warning(answer(26), golds) is None  # 41%, at least 29%
    assert chance_warning(answer(40), golds) is None


OPENS = "<|im_start|>assistant\n<think>\n"


def test_a_template_that_opens_the_thought_is_named_as_the_cause_of_a_format_that_pays_nobody():
    columns = {"format": [0.0] * 8, "correctness": [0.0] * 8}
    data = replace(make_tried(columns, 4), prompt_tail=OPENS)
    preflight = check_dry_run(data)
    warning = find(preflight, "template_opens_think")
    assert warning.severity == "error" and preflight.gravest == warning
    assert "ends the prompt with <think>" in preflight.verdict
    assert "format, correctness" in warning.what and "opening <think>" in warning.fix


def test_where_another_function_pays_it_is_a_warning_and_where_all_pay_a_note():
    some = {"format": [0.0] * 8, "correctness": [0.0, 1.0] * 4}
    warning = find(
        check_dry_run(replace(make_tried(some, 4), prompt_tail=OPENS)), "template_opens_think"
    )
    assert warning.severity == "warning" and "from format." in warning.what
    every = {"format": [0.0, 1.0] * 4, "correctness": [1.0, 0.0, None, 0.0] * 2}
    warning = find(
        check_dry_run(replace(make_tried(every, 4), prompt_tail=OPENS)), "template_opens_think"
    )
    assert warning.severity == "info"


@pytest.mark.parametrize(
    "tail", ["", "<|im_start|>assistant\n", "<think>\n\n</think>\n\n", "think>"]
)
def test_a_template_that_leaves_the_thought_to_the_model_is_not_named(tail):
    data = replace(make_tried([0.0] * 8, 4), prompt_tail=tail)
    assert "template_opens_think" not in kinds(check_dry_run(data))
