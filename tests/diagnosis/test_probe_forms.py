"""Forms of completions: taken from a gold one, guessed, filled, and recognised."""

import pytest

from rft_core.diagnosis.probes.forms import THINK_ANSWER, Form, list_forms, read_completion

GOLD = "<think>6 * 7 = 42</think>\n<answer>42</answer>"


@pytest.mark.parametrize(
    ("completion", "thought", "answer"),
    [
        (GOLD, "6 * 7 = 42", "42"),
        ("<code>\nx = 1\n</code>", "", "\nx = 1\n"),
        ("<a>1</a><b>2</b> and <c>3</c>!", "1", "3"),
        ("the sea is grey", "", "the sea is grey"),
    ],
)
def test_a_completion_is_taken_apart_and_put_together_again(
    completion: str, thought: str, answer: str
) -> None:
    read = read_completion(completion)
    assert (read.thought, read.answer) == (thought, answer)
    assert read.form.write(thought, answer) == completion


@pytest.mark.parametrize(
    ("completion", "fits"),
    [
        (GOLD, True),
        (GOLD + "\n", True),
        (GOLD + " and more", False),
        ("so: " + GOLD, False),
        (GOLD.replace("42</answer>", " </answer>"), False),
        ("<answer>42</answer>\n<think>6 * 7</think>", False),
        (GOLD + GOLD, False),
        ("", False),
    ],
)
def test_only_tags_in_order_with_something_in_each_fit_the_form(
    completion: str, fits: bool
) -> None:
    assert THINK_ANSWER.fits(completion) is fits


def test_a_bare_form_fits_any_visible_text() -> None:
    bare = Form("", "{answer}")
    assert bare.fits("Paris") and not bare.fits(" \n") and not bare.fits("")


def test_tags_that_a_prompt_or_a_source_names_are_tried_before_the_usual_forms() -> None:
    forms = list_forms(["Think in <plan> </plan>, then write <final>...</final>."])
    assert forms[:2] == [
        THINK_ANSWER, Form("<plan>{thought}</plan>\n", "<final>{answer}</final>")
    ]  # fmt: skip


def test_tags_that_begin_and_end_by_different_names_make_a_form() -> None:
    forms = list_forms(["<work> then <done>, and <SOLUTION>...</SOLUTION>"])
    assert Form("<work>{thought}<done>\n", "<SOLUTION>{answer}</SOLUTION>") in forms
