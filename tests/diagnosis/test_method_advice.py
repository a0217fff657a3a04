"""The chooser: each situation has its method, and nobody is sent to what does not exist."""

from itertools import product
from typing import get_args

import pytest

from rft_core.config import METHODS, RECIPES, make_config
from rft_core.diagnosis.method_advice import BaseSkill, Situation, advise
from rft_core.diagnosis.method_tradeoffs import METHOD_TRADEOFFS

SITUATIONS = [
    Situation(*answers)
    for answers in product(
        (True, False), (0, 10, 100, 1_000), (True, False), (True, False), get_args(BaseSkill),
        (True, False),
    )
]  # fmt: skip


def ask(**answers: object) -> Situation:
    given = {"verifiable": True, "labels": 0, "reasoning": True, "preferences": False} | answers
    return Situation(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("situation", "plan"),
    [
        (ask(), "grpo"),
        (ask(base="sometimes"), "grpo"),
        (ask(base="never", labels=100), "sft_grpo"),
        (ask(base="never"), ""),
        (ask(base="sometimes", labels=100, worked=True), "reft"),
        (ask(labels=1_000), "offline_st"),
        (ask(labels=1_000, reasoning=False), "sft"),
        (ask(verifiable=False, preferences=True), "dpo"),
        (ask(verifiable=False, labels=5_000), "sft"),
        (ask(verifiable=False), ""),
    ],
)
def test_each_situation_has_its_method(situation: Situation, plan: str) -> None:
    assert advise(situation).plan == plan


def test_every_answer_can_be_given_and_says_why() -> None:
    for situation in SITUATIONS:
        advice = advise(situation)
        assert advice.method and advice.reasons and advice.next_step.endswith(".")
        assert advice.plan in {"", *METHODS, *RECIPES}
        assert bool(advice.settings) == bool(advice.plan)


def test_what_is_advised_and_is_here_is_a_configuration_as_it_stands() -> None:
    settings = {advice.plan: advice.settings for advice in map(advise, SITUATIONS)}
    for plan, values in settings.items():
        if values:
            config = make_config(values)
            assert plan in (config.method, *RECIPES)
            assert (plan in RECIPES) == bool(config.stages)


def test_alternatives_are_plans_or_words_and_never_the_advice_itself() -> None:
    for advice in map(advise, SITUATIONS):
        for other in advice.instead:
            assert other.plan != advice.plan or not advice.plan
            assert other.when.endswith(".") and "." not in other.when[:-1]
            if other.settings:
                make_config(other.settings)


def test_a_flat_reward_is_never_answered_with_rl_alone() -> None:
    flat = [s for s in SITUATIONS if s.verifiable and s.base == "never"]
    assert {advise(situation).plan for situation in flat} == {"", "sft_grpo"}


def test_the_table_of_tradeoffs_has_every_method_that_is_here() -> None:
    told = {row.plan for row in METHOD_TRADEOFFS}
    assert set(METHODS) - {"reward_model"} <= told
    assert told <= {*METHODS, *RECIPES}
