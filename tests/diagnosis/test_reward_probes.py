"""The probes as a whole: what they compare with, what they show, what they leave alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from rft_core.diagnosis.probes.report import ProbeReport, ProbeResult
from rft_core.diagnosis.probes.reward_probes import probe_rewards
from rft_core.diagnosis.probes.target import ProbeCase, source_words
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS
from rft_core.tasks.probe_cases import make_cases
from tests.diagnosis.probe_rows import list_cases

EXACT = RewardSet((RewardEntry("exact", "exact_match", options={"extraction": "whole"}),))


def probe(rewards: RewardSet | str, cases: Sequence[ProbeCase]) -> ProbeReport:
    chosen = reward_set_from_source(rewards) if isinstance(rewards, str) else rewards
    with Scorer(chosen) as scorer:
        return probe_rewards(scorer, cases)


def function(name: str, score: str) -> str:
    """The source of a reward function that gives each completion `c` this score."""
    return f"def {name}(completions, **kw):\n    return [{score} for c in completions]\n"


def results(report: ProbeReport) -> Mapping[str, ProbeResult]:
    return {result.name: result for result in report.results}


def paying(report: ProbeReport) -> set[str]:
    return {result.name for result in report.paying}


def test_what_the_gold_a_wrong_answer_and_nothing_earn_is_reported() -> None:
    report = probe(TASKS["countdown"].reward_set, list_cases("countdown", 3))
    assert (report.gold_reward, report.wrong_reward, report.empty_reward) == (2.0, 1.0, 0.0)
    assert report.summary.startswith("None of ") and report.gold_known


def test_the_form_that_a_reward_wants_is_found_by_its_scores() -> None:
    source = (
        "def boxed(completions, answer, **kw):\n"
        "    golds = [a.split('####')[-1].strip() for a in answer]\n"
        "    return [float('\\\\boxed{%s}' % g in c) for c, g in zip(completions, golds)]\n"
    )
    report = probe(source, list_cases("word_problems", 2))
    assert report.gold_reward == 1.0
    assert "many_answers" in paying(report) and "empty" not in paying(report)


def test_prompts_without_a_task_are_probed_by_their_columns() -> None:
    report = probe(EXACT, list_cases("capitals", 3))
    assert report.gold_reward == 1.0 and not report.paying


def test_a_result_shows_the_completion_that_earns_most_with_its_scores_and_the_cure() -> None:
    source = function("any_text", "float(bool(c.strip()))")
    result = results(probe(source, list_cases("word_problems", 1)))["refusal"]
    assert result.verdict == "pays" and result.completion.startswith("I'm sorry")
    assert result.scores == {"any_text": 1.0} and result.reward == result.gold_reward == 1.0
    assert (result.prompts_paid, result.prompts_tried) == (1, 1) and result.advice


def test_functions_of_weight_0_pay_nothing() -> None:
    logged = RewardEntry("long", "length", 0.0, {"minimum": 10_000})
    report = probe(RewardSet((*EXACT.entries, logged)), list_cases("capitals", 2))
    assert not report.paying


def test_an_echo_is_not_blamed_where_the_prompt_shows_the_very_answer() -> None:
    row = {"question": "6 * 7? Write it as <answer> 42 </answer>.", "answer": "42"}
    case = ProbeCase(row, [{"role": "user", "content": row["question"]}])
    report = probe(RewardSet((RewardEntry("n", "numeric_match"),)), [case])
    assert "echo" not in results(report) and not report.paying


def test_without_a_right_answer_half_of_full_marks_is_too_much_for_nothing() -> None:
    case = ProbeCase({"topic": "the sea"}, [{"role": "user", "content": "Write about the sea."}])
    kind = function("kind", "0.8 - ('!' in c)")
    report = probe(kind, [case])
    assert not report.gold_known and "empty" in paying(report)
    strict = function("strict", "float(c.count('sea') == 3)")
    assert not probe(strict, [case]).paying


def test_the_best_of_the_models_own_completions_stands_in_for_an_unknown_answer() -> None:
    prompt = [{"role": "user", "content": "Write about the sea."}]
    case = ProbeCase(
        {"topic": "the sea"}, prompt, samples=["the sea is grey", "a sea of sea", "no"]
    )
    source = function("seas", "float(c.count('sea'))")
    report = probe(source, [case])
    assert report.model_reward == 1.0 and report.gold_reward == 2.0
    assert "padding" in paying(report)


def test_a_function_that_raises_on_a_probe_is_named_and_the_others_are_judged() -> None:
    source = (
        "def number(completions, answer, **kw):\n"
        "    given = [c.split('<answer>')[-1].split('</answer>')[0] for c in completions]\n"
        "    golds = [float(a.split('####')[-1]) for a in answer]\n"
        "    return [float(float(g) == w) for g, w in zip(given, golds)]\n"
    )
    report = probe(source, list_cases("word_problems", 1))
    assert "ValueError" in (report.failures[0].error or "")
    assert results(report)["refusal"].verdict == "unscored"
    assert results(report)["near_miss"].verdict == "held"


def test_a_function_that_never_works_leaves_nothing_to_judge() -> None:
    report = probe("def f(completions, **kw):\n    return [1 / 0]", list_cases("capitals", 1))
    assert report.summary == "No probe could be scored." and not report.paying and report.failures


def test_a_tasks_cheats_are_probes_of_their_own() -> None:
    task = replace(TASKS["countdown"], cheats=lambda row: {"say please": "please"})
    cases = make_cases(task, [task.example_row], [task.prompt(task.example_row)])
    source = function("polite", "float('please' in c)")
    result = results(probe(source, cases))["cheat: say please"]
    assert result.title == "Say please" and result.verdict == "pays"


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.cheats])
def test_cheats_are_texts_with_names_and_none_is_the_gold(name: str) -> None:
    for case in list_cases(name, 3):
        assert case.cheats
        assert all(isinstance(text, str) and title for title, text in case.cheats.items())
        assert case.gold not in case.cheats.values()


@pytest.mark.slow
def test_kernel_cheats_pay_where_the_detectors_only_report() -> None:
    task = TASKS["triton_kernels-easy"]
    rows: list[dict[str, Any]] = task.load(1, 1, 0)[0]
    entries = tuple(
        replace(entry, options={"detectors": "report"}) if "correctness" in entry.grader else entry
        for entry in task.reward_set.entries
    )
    cases = make_cases(task, rows, [task.prompt(row) for row in rows])
    caught = paying(probe(RewardSet(entries), cases))
    assert any(name.startswith("cheat: torch's result") for name in map(str.lower, caught))
    assert not probe(task.reward_set, cases).paying


def test_the_words_of_a_source_are_found_with_texts_that_its_patterns_match() -> None:
    source = (
        '"""Not this."""\nimport re\nWORDS = ["therefore"]\n'
        "def f(completions, **kw):\n    'Nor this.'\n"
        "    return [float(len(re.findall(r'Step \\d+:|^Hence', c))) for c in completions]\n"
    )
    assert source_words(reward_set_from_source(source)) == ("therefore", "Step 1:", "Hence")
