"""The ways out of a flat reward: what is offered where, and that each does what it says."""

from typing import Any

import pytest

from rft_core.config import RunConfig, make_config, parse_assignments
from rft_core.data import PromptSet, PromptTemplate, Split, make_prompt_set
from rft_core.diagnosis.partial_credit import add_partial_credit
from rft_core.diagnosis.ways_out import (
    FlatRun,
    KnownGold,
    WayOut,
    change_run,
    list_ways_out,
    show_example,
)
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.scorer import Scorer

ROWS = [{"question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(8)]
TAGGED = RewardSet((RewardEntry("right", "numeric_match", 1.0, {"extraction": "answer_tag"}),), "t")
WHOLE = RewardSet((RewardEntry("right", "exact_match", 1.0, {"extraction": "whole"}),), "w")
GOLD = KnownGold("answer", 8, ROWS[0], "<answer>1</answer>")


def make_prompts(user: str = "{{ question }}") -> PromptSet:
    split = Split(tuple(range(6)), (6, 7), seed=0)
    return make_prompt_set(ROWS, name="sums", template=PromptTemplate("", user), split=split)


def flat_run(**more: Any) -> FlatRun:
    config = RunConfig(task="custom", prompt_set="p", reward_set="r", max_steps=100)
    return FlatRun(**{"config": config, "prompts": make_prompts(), "rewards": TAGGED, "gold": GOLD}
                   | more)  # fmt: skip


def by_name(run: FlatRun) -> dict[str, WayOut]:
    return {way.name: way for way in list_ways_out(run)}


def test_all_ways_are_offered_where_gold_is_known_the_warm_up_first() -> None:
    ways = list_ways_out(flat_run())
    assert [way.name for way in ways] == ["warm_up", "easier", "partial_credit", "example"]
    assert [way.place for way in ways] == ["train", "rewards", "rewards", "prompts"]


def test_the_warm_up_is_a_launch_of_the_same_run_in_stages() -> None:
    way = by_name(flat_run())["warm_up"]
    config = change_run(flat_run().config, way.settings)
    assert [(stage.method, stage.max_steps) for stage in config.stages] == [
        ("sft", 40), ("grpo", 100),
    ]  # fmt: skip
    assert config.gold_column == "answer" and config.prompt_set == "p" and config.max_steps == 140
    *_, last = config.plan_stages()
    assert last.config.reference == "stage_start"  # or KL would pull it back to the base


def test_the_command_of_a_way_makes_the_very_run_that_the_page_sets_up() -> None:
    import shlex

    way = by_name(flat_run())["warm_up"]
    words = shlex.split(way.command)
    assert words[:4] == ["python", "-m", "rft_core", "launch"]
    given = make_config(parse_assignments([word for word in words[4:] if word != "--set"]))
    assert given == change_run(flat_run().config, way.settings)


def test_where_a_warm_up_did_not_suffice_more_of_it_is_offered() -> None:
    config = RunConfig(task="custom", stages="sft 20; grpo 50", gold_column="answer")
    way = by_name(flat_run(config=config))["warm_up"]
    stages = change_run(config, way.settings).stages
    assert [(stage.method, stage.max_steps) for stage in stages] == [("sft", 40), ("grpo", 50)]


def test_without_gold_neither_a_warm_up_nor_an_example_is_offered() -> None:
    assert set(by_name(flat_run(gold=None))) == {"easier", "partial_credit"}


def test_bare_answers_that_the_rewards_cannot_read_are_no_gold_to_imitate() -> None:
    bare = KnownGold("answer", 8, ROWS[0], "1")
    ways = by_name(flat_run(gold=bare))
    assert ways["warm_up"].place == "prompts" and not ways["warm_up"].settings
    assert "whole completions" in ways["warm_up"].what
    assert "example" not in ways
    assert by_name(flat_run(gold=bare, rewards=WHOLE))["warm_up"].place == "train"


def test_completions_without_an_end_come_first() -> None:
    ways = list_ways_out(flat_run(cut_off=0.9))
    assert ways[0].name == "longer" and ways[0].settings["max_completion_length"] == 2 * 80
    assert "longer" not in by_name(flat_run(cut_off=0.3))


def test_a_reward_that_all_earn_alike_needs_no_warm_up() -> None:
    assert set(by_name(flat_run(earns=True))) == {"easier"}


def test_the_example_is_shown_as_it_is_and_only_once_per_prompt() -> None:
    odd = KnownGold(None, 1, {"question": "{{ 1 }} {% if %}?", "answer": "1"}, "{{ x }} is 1")
    template = PromptTemplate("", "{{ question }}")
    user = show_example(template, odd)
    assert user is not None
    asked = PromptTemplate("", user).render(ROWS[3])[-1]["content"]
    assert "{{ 1 }} {% if %}?\n\n{{ x }} is 1" in asked
    assert asked.endswith("What is 3 + 1?")
    trap = KnownGold(None, 1, {"question": "{% endraw %}", "answer": "1"}, "1")
    assert show_example(template, trap) is None


def score(rewards: RewardSet, completions: list[str], row: dict[str, Any]) -> list[float | None]:
    batch = Batch([[{"role": "user", "content": "?"}]] * len(completions), completions,
                  [row] * len(completions))  # fmt: skip
    with Scorer(rewards) as scorer:
        return [sample.reward for sample in scorer.score(batch).samples]


@pytest.mark.parametrize(
    ("rewards", "nothing", "part", "right"),
    [
        (TAGGED, "no idea", "it is <answer>7</answer>", "<answer>1</answer>"),
        (
            RewardSet((RewardEntry("right", "math_equivalence"),)),
            "no idea", "So \\boxed{7}", "So \\boxed{1}",
        ),
        (WHOLE, "@@@@", "1?", "1"),
    ],
    ids=["answer-tag", "box", "text"],
)  # fmt: skip
def test_partial_credit_pays_a_part_of_the_way_and_far_less_than_the_end(
    rewards: RewardSet, nothing: str, part: str, right: str
) -> None:
    before = score(rewards, [nothing, part, right], ROWS[0])
    assert before[0] == before[1] == 0
    found = add_partial_credit(rewards)
    assert found is not None
    low, middle, high = score(found.rewards, [nothing, part, right], ROWS[0])
    assert low is not None and middle is not None and high is not None
    assert low == 0 < middle <= 0.1 and high >= 1
    assert found.rewards.truth == ("right",)  # what counts as right is what it was


def test_graders_that_know_parts_are_told_to_pay_for_them() -> None:
    rewards = RewardSet((RewardEntry("tests", "unit_tests"), RewardEntry("form", "format", 0.1)))
    found = add_partial_credit(rewards)
    assert found is not None and found.rewards.entries[0].options["partial"] is True
    assert found.rewards.entries[1] == rewards.entries[1]
    assert add_partial_credit(found.rewards) != found


def test_python_is_left_to_its_author() -> None:
    source = "def f(completions, **columns):\n    return [0.0 for _ in completions]\n"
    assert add_partial_credit(RewardSet((RewardEntry("f", "python", source=source),))) is None
