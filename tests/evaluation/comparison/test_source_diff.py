"""Diffs of rewards, function by function, and of prompts."""

from dataclasses import replace

from rft_core.evaluation.comparison.source_diff import SHARED_CODE, diff_prompts, diff_rewards
from rft_core.rewards.contract import RewardEntry, RewardSet
from tests.tiny_run import make_tiny_prompts

MODULE = """import re

FULL = 1.0


def right(completions, **columns):
    return [FULL if "4" in text else 0.0 for text in completions]


def short(completions, **columns):
    return [1.0 / (1 + len(text)) for text in completions]
"""


def rewards(source: str, weight: float = 1.0) -> RewardSet:
    entries = [RewardEntry(name, "python", weight, {}, source) for name in ("right", "short")]
    return RewardSet((*entries, RewardEntry("form", "format")), "mine")


def test_a_changed_function_is_named_and_its_neighbours_are_not() -> None:
    other = rewards(MODULE.replace('"4" in text', 'text.endswith("4")'))
    (found,) = diff_rewards(rewards(MODULE), other)
    assert (found.name, found.fate) == ("right", "changed")
    assert [line for line in found.lines if line[0] in "+-"] == [
        '-    return [FULL if "4" in text else 0.0 for text in completions]',
        '+    return [FULL if text.endswith("4") else 0.0 for text in completions]',
    ]


def test_code_that_functions_share_is_compared_once() -> None:
    (found,) = diff_rewards(rewards(MODULE), rewards(MODULE.replace("FULL = 1.0", "FULL = 2.0")))
    assert found.name == SHARED_CODE and "-FULL = 1.0" in found.lines


def test_weights_and_what_came_or_went_are_seen() -> None:
    first, second = rewards(MODULE), rewards(MODULE, weight=0.5)
    second = replace(second, entries=second.entries[:2])
    found = {one.name: one for one in diff_rewards(first, second)}
    assert "-weight: 1" in found["right"].lines and "+weight: 0.5" in found["right"].lines
    assert found["form"].fate == "removed" and list(found) == ["right", "short", "form"]
    assert {d.fate for d in diff_rewards(None, first)} == {"added"}
    assert diff_rewards(first, first) == []


def test_source_that_is_no_python_is_compared_as_text() -> None:
    (found,) = diff_rewards(
        RewardSet((RewardEntry("right", "python", 1.0, {}, "def ("),)),
        RewardSet((RewardEntry("right", "python", 1.0, {}, "def )"),)),
    )
    assert "-def (" in found.lines


def test_prompts_are_compared_by_template_and_by_rows() -> None:
    first, second = make_tiny_prompts(5, 3), make_tiny_prompts(6, 3)
    assert diff_prompts(first, first) is None
    found = diff_prompts(first, second)
    assert found and found.train == (0, 5, 1) and found.validation == (1, 2, 1)
    assert found.sentence.startswith("The same template; 5 training rows in both")
