"""Lint: each suspicion is raised where it belongs, and nowhere else."""

from pathlib import Path

import pytest

from rft_core.data import (
    PromptTemplate,
    lint_lengths,
    lint_prompt_tail,
    lint_prompts,
    read_table,
)
from rft_core.data.lint import get_row
from rft_core.data.sample_data import load_sample
from rft_core.data.tags import find_tag_defects

REASONING_FILE = Path(__file__).parents[1] / "cases" / "prompts" / "reasoning_examples.jsonl"


def lint(rows, user="{{ question }}", **options):
    template = PromptTemplate("", user)
    prompts = [template.render(row) for row in rows]
    return lint_prompts(rows, prompts, template=template, **options)


def kinds(findings, row=...):
    return {f.kind for f in findings if row is ... or get_row(f) == row}


def test_the_three_malformed_reasoning_examples_are_caught_each_for_its_reason():
    rows = read_table(REASONING_FILE).rows
    findings = lint(rows, "{{ prompt }}")
    assert kinds(findings, 1) == {"nested_answer"}
    assert kinds(findings, 2) == {"stray_wrapper", "contradicts_reasoning"}
    assert kinds(findings, 3) == {"empty_think", "empty_answer", "text_between", "answer_outside"}
    assert all(f.severity == "error" and f.fix for f in findings)


def test_with_labels_the_wrong_answer_is_told_from_the_right_ones():
    labels = ["72", "10", "624"]
    rows = [
        {**row, "label": label}
        for row, label in zip(read_table(REASONING_FILE).rows, labels, strict=True)
    ]
    findings = lint(rows, "{{ prompt }}", answer_columns=["label"])
    wrong = [f for f in findings if f.kind == "wrong_answer"]
    assert [get_row(f) for f in wrong] == [2]
    assert "answer '0', the row's label is '10'" in wrong[0].what


GOOD = "<think>48/2 = <<48/2=24>>24</think>\n<answer> 24 </answer>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD, set()),
        ("no tags at all, 3 < 4", set()),
        ("<think>a</think><answer>(15 + 9)</answer>", set()),
        ("<think>a<answer>1</answer>", {"unclosed_tag", "nested_answer"}),
        ("<think>a</think><answer>1", {"unclosed_tag"}),
        ("a</think><answer>1</answer>", {"unopened_tag"}),
        ("<answer>1</answer><think>a</think>", {"wrong_order"}),
        ("<think>a <answer>1</answer></think>", {"nested_answer"}),
        ("<think> \n</think><answer>1</answer>", {"empty_think"}),
        ("<think>a</think><answer></answer>", {"empty_answer"}),
        ("<think>a</think><answer></answer> 7", {"empty_answer", "answer_outside"}),
        ("<think>a</think> so <answer>7</answer>", {"text_between"}),
        ("<think>a</think> 7", {"missing_answer"}),
        ("<think>a</think><think>b</think><answer>7</answer>", {"repeated_think", "text_between"}),
        ("<pre><think>a</think><answer>7</answer></pre>", {"stray_wrapper"}),
        ('<div class="x">' + GOOD + "</div>", {"stray_wrapper"}),
        ("<think>2*3=<<2*3=6>>6</think><answer>7</answer>", {"contradicts_reasoning"}),
    ],
)
def test_tag_defects_are_named(text, expected):
    assert {defect.kind for defect in find_tag_defects(text)} == expected


def test_a_right_label_silences_the_calculation_check_and_a_wrong_one_is_reported():
    assert find_tag_defects(GOOD, label="24.0") == []
    assert [d.kind for d in find_tag_defects(GOOD, label="25")] == ["wrong_answer"]


@pytest.mark.parametrize(
    ("answer", "label", "wrong"),
    [
        ("1,000", "1000.0", False),
        ("$ 5", "5", False),
        ("1/2", "0.5", False),
        ("10", "0", True),
        ("Paris ", "paris", False),
        ("(B)", "C", True),
        ("74 - 15 - 9", "50", False),
        ("72 clips", "72", False),
        ("1/0", "7", False),
        ("72", "She sold 72 clips altogether", False),
    ],
)
def test_only_a_sure_contradiction_to_the_label_is_reported(answer, label, wrong):
    defects = find_tag_defects(f"<think>a</think><answer>{answer}</answer>", label)
    assert [defect.kind for defect in defects] == ["wrong_answer"] * wrong


def test_instructions_that_mention_tags_are_not_completions():
    rows = [{"question": "Answer in <answer></answer> tags after <think>."}]
    assert lint(rows) == []


def test_empty_rows_and_empty_prompts_are_found():
    rows = [{"question": "a", "x": 1}, {"question": "  ", "x": None}, {"question": "", "x": 2}]
    findings = lint(rows)
    assert kinds(findings, 2) >= {"empty_row"}
    assert kinds(findings, 3) >= {"empty_prompt"}
    assert kinds(findings, 1) == set()


def test_missing_values_are_counted_per_column():
    rows = [{"question": f"q{i}", "hint": "" if i else "h"} for i in range(4)]
    (finding,) = lint(rows)
    assert (finding.kind, get_row(finding)) == ("missing_values", None)
    assert "'hint' is empty in 3 of 4 rows, first in row 2" in finding.what


def test_duplicates_are_found_exact_and_up_to_case_and_space():
    rows = [{"question": q} for q in ["What is it?", "What is it?", "what  is\nIT?", "Other"]]
    findings = lint(rows)
    assert [(f.kind, get_row(f)) for f in findings] == [("duplicate", 2), ("near_duplicate", 3)]
    assert "row 1" in findings[1].what


@pytest.mark.parametrize(
    ("question", "answer", "leaks"),
    [
        ("What is 70 + 2? Answer: 72", "72", True),
        ("What is 70 + 2? #### 72", "some steps\n#### 72", True),
        ("What is 70 + 2? The answer is 72.", 72, True),
        ("6 * 12 = 72, so what is 72?", "72", False),
        ("Please answer 5 questions", "5", False),
        ("Add 72 and 0", "72", False),
        ("The answer is 720", "72", False),
        ("The answer is 72.5", "72", False),
        ("He has 9 apples and 72 pears", "72", False),
        ("Capital of France? (it is the city of light)", "Paris", False),
        ("Capital of France? Answer: paris", "Paris", True),
        ("Explain. Plants turn light into sugar.", "Plants turn light into sugar", True),
        ("Pick one: A, B or C", "C", False),
        ("Pick one: A, B or C. Answer: C", "C", True),
    ],
)
def test_leaked_answers_are_found_without_crying_wolf(question, answer, leaks):
    findings = lint([{"question": question, "answer": answer}], answer_columns=["answer"])
    assert ("leaked_answer" in kinds(findings)) is leaks


EXAMPLE = "{{ question }}\nGive the number in tags, for example <answer> 42 </answer>."


@pytest.mark.parametrize(
    ("question", "answer", "leaks"),
    [
        ("What is 6 * 7?", "42", False),
        ("What is 6 * 7?", "It is 6 * 7.\n#### 42", False),
        ("What is 6 * 7? Answer: 42", "42", True),
        ("What is 6 * 7? <answer> 42 </answer>", "42", True),
        ("What is 6 * 6? Answer: 36", "36", True),
    ],
)
def test_the_templates_own_example_is_no_leak(question, answer, leaks):
    findings = lint([{"question": question, "answer": answer}], EXAMPLE, answer_columns=["answer"])
    assert ("leaked_answer" in kinds(findings)) is leaks


def test_a_cue_of_the_template_before_a_value_of_the_row_is_a_leak():
    findings = lint([{"hint": 42, "gold": 42}], "The answer is {{ hint }}", answer_columns=["gold"])
    assert "leaked_answer" in kinds(findings)


def chat_rows(system, answers):
    return [
        {"messages": [{"role": "system", "content": system}, {"role": "user", "content": f"{n}?"}],
         "answer": answer}
        for n, answer in enumerate(answers)
    ]  # fmt: skip


def test_an_example_that_all_chats_begin_with_is_no_leak_unless_it_answers_them_all():
    system = "Write <answer> 42 </answer>, if that is the answer."
    rows = chat_rows(system, ["42", "7", "42"])
    assert not lint(rows, "{{ messages }}", answer_columns=["answer"])
    told = lint(chat_rows(system, ["42", "42"]), "{{ messages }}", answer_columns=["answer"])
    assert [get_row(finding) for finding in told] == [1, 2]
    other = [*chat_rows(system, ["42"]), *chat_rows("Think.", ["7"])]
    assert kinds(lint(other, "{{ messages }}", answer_columns=["answer"]), 1) == {"leaked_answer"}


def test_a_template_that_prints_the_answer_is_reported_once():
    rows = [{"question": f"q{i}", "answer": str(i)} for i in range(5)]
    findings = lint(rows, "{{ question }} {{ row.answer }}", answer_columns=["answer"])
    assert [(f.kind, get_row(f)) for f in findings] == [("template_leaks_answer", None)]


def test_the_countdown_sample_is_clean():
    rows = load_sample("countdown").rows
    assert lint(rows, "Use {{ nums }} to reach {{ target }}.") == []


def test_long_prompts_are_found():
    findings = lint_lengths([5, 100, 7], limit=50)
    assert [(f.kind, get_row(f)) for f in findings] == [("long_prompt", 2)]


@pytest.mark.parametrize(
    ("tail", "opens"),
    [
        ("<|assistant|>\n<think>\n", True),
        ("<|assistant|><think>", True),
        ("<|assistant|>\n", False),
        ("<think>\n\n</think>\n\n", False),
    ],
)
def test_a_chat_template_that_opens_think_is_reported(tail, opens):
    assert kinds(lint_prompt_tail(tail)) == ({"template_opens_think"} if opens else set())


def test_errors_come_first():
    rows = [{"question": "a"}, {"question": "a"}, {"question": ""}]
    severities = [f.severity for f in lint(rows)]
    assert severities == sorted(severities, key=["error", "warning", "info"].index)
