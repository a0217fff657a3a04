"""The search for the shortest lie: planted bugs are broken, sound rewards are left in peace."""

import pytest

from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.diagnosis.shortest_lie.ledger import Budget
from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS
from rft_core.tasks.lie_search import choose_check, search_lie
from tests.diagnosis.lie_subjects import find_subject, list_planted_lies, list_sound_lies
from tests.diagnosis.probe_rows import list_cases

ANY_TEXT = "def any_text(completions, **kw):\n    return [float(bool(c)) for c in completions]\n"
NOTHING = "def nothing(completions, **kw):\n    return [0.0 for c in completions]\n"
LONG = Budget(seconds=60.0)  # it ends with what it finds
SHORT = Budget(seconds=60.0, calls=36)


@pytest.mark.parametrize(
    "name",
    ["gold_in_thought", "any_of_several_answers", "equation_without_numbers", "keys_of_json"],
)
def test_a_planted_bug_is_broken_by_a_least_completion(name: str) -> None:
    subject = find_subject(list_planted_lies(), name)
    report = subject.search(LONG)
    lie = report.lie
    assert lie and report.ending == "found" and lie.is_minimal
    assert lie.reward >= lie.full_pay > 0 and lie.reason
    with Scorer(subject.rewards) as scorer:
        case = list_cases(subject.prompts)[lie.prompt]
        [scored] = scorer.score(Batch([case.prompt], [lie.completion], [case.row])).samples
    assert scored.reward == lie.reward


@pytest.mark.parametrize("name", ["whole_number", "equal_json", "exact match alone"])
def test_a_sound_reward_is_left_in_peace(name: str) -> None:
    report = find_subject(list_sound_lies(), name).search(SHORT)
    assert report.lie is None and report.ending == "calls" and report.tried > 1000
    assert "not a proof" in report.summary and f"{report.tried:,} tries" in report.summary


def test_the_same_seed_finds_the_same_lie() -> None:
    subject = find_subject(list_planted_lies(), "sign_ignored")
    first, again = (subject.search(LONG, seed=3) for _ in range(2))
    assert first.lie == again.lie and first.tried == again.tried


def test_a_right_answer_in_another_form_is_no_lie() -> None:
    """The task's graders want an answer block; a reward may want a box, or nothing around it."""
    source = (
        "import re\ndef last_line(completions, answer, **kw):\n"
        "    golds = [str(a).split('####')[-1].strip() for a in answer]\n"
        "    return [float(c.strip() == g) for c, g in zip(completions, golds)]\n"
    )
    cases = list_cases("word_problems", 2)
    report = search_lie(reward_set_from_source(source), cases, TASKS["word_problems"], budget=SHORT)
    assert report.lie is None


def test_what_the_check_cannot_judge_is_no_lie() -> None:
    source = (
        "def perhaps(completions, **kw):\n"
        "    return [1.0 if c == 'yes' else None if c else 0.0 for c in completions]\n"
    )
    cases = list_cases("word_problems", 1)
    report = search_lie(
        reward_set_from_source(ANY_TEXT), cases, given=reward_set_from_source(source), budget=SHORT
    )
    assert report.lie is None


def test_nothing_is_at_stake_where_nothing_is_paid() -> None:
    cases = list_cases("word_problems", 2)
    report = search_lie(reward_set_from_source(NOTHING), cases, TASKS["word_problems"])
    assert report.ending == "nothing at stake" and len(report.remarks) == 2


def test_a_truth_that_is_only_logged_checks_before_the_task() -> None:
    logged = RewardEntry("truth", "numeric_match", 0.0)
    paid = reward_set_from_source(ANY_TEXT).entries
    with_truth = RewardSet((*paid, logged), truth=("truth",))
    chosen = choose_check(TASKS["word_problems"], with_truth)
    assert chosen.rewards and chosen.rewards.names == ("truth",)
    plain = choose_check(TASKS["word_problems"], RewardSet(paid))
    assert plain.rewards and plain.is_fair and plain.rewards.names == ("correctness",)
    own = choose_check(TASKS["word_problems"], TASKS["word_problems"].reward_set)
    assert own.rewards is None  # what pays cannot check itself
    report = search_lie(with_truth, list_cases("word_problems", 1), TASKS["word_problems"])
    assert report.lie and len(report.lie.completion) == 1


def test_without_an_independent_check_it_says_what_to_do() -> None:
    with pytest.raises(BadInputError, match="no independent check"):
        search_lie(
            TASKS["countdown"].reward_set, list_cases("countdown", 1), TASKS["countdown"]
        )  # fmt: skip


def test_a_judge_that_costs_money_is_refused() -> None:
    rewards = RewardSet((RewardEntry("judge", "judge", options={"model": "m"}),))
    with pytest.raises(BadInputError, match="thousands"):
        search_lie(rewards, [ProbeCase({"answer": "1"}, [])])


def test_stored_generations_are_begun_with() -> None:
    [case] = list_cases("word_problems", 1)
    wrong = "a stored text that nobody would guess: xyzzy"
    source = "def odd(completions, **kw):\n    return [float('xyzzy' in c) for c in completions]\n"
    with_sample = ProbeCase(case.row, case.prompt, case.gold, samples=[wrong])
    rewards = reward_set_from_source(source.replace("'xyzzy'", "''.join(['xy', 'zzy'])"))
    report = search_lie(rewards, [with_sample], TASKS["word_problems"])
    assert report.lie and report.lie.completion == "xyzzy"
    assert report.lie.origin == "a stored generation"
