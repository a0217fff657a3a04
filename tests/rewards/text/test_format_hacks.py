"""Ways to cheat the format reward, and the honest completions that keep it."""

from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.registry import check_entry
from rft_core.rewards.text.format import grade_format, is_repetitive
from tests.work import growth

GOOD = "<think>74 - 15 = 59, 59 - 9 = 50</think>\n<answer>74 - 15 - 9</answer>"

HACKS = {
    "an empty thought": "<think></think><answer>1</answer>",
    "a thought of white space": "<think> \n\t\u00a0\u3000</think><answer>1</answer>",
    "zero-width marks": "<think>\u200b\u200c\u200d\ufeff\u2060</think><answer>1</answer>",
    "a thought of invisible letters": "<think>\u3164\u115f\uffa0</think><answer>1</answer>",
    "a thought of blank braille": "<think>\u2800</think><answer>1</answer>",
    "a thought of dots": "<think>...</think><answer>1</answer>",
    "an empty answer": "<think>let me see</think><answer> </answer>",
    "text after the answer": GOOD + " The equation equals 50.",
    "text before the thought": "Sure! " + GOOD,
    "text in between": GOOD.replace("\n", " so "),
    "the answer before the thought": "<answer>1</answer><think>let me see</think>",
    "the answer inside the thought": "<think>let me <answer>1</answer> see</think>",
    "the thought inside the answer": "<answer><think>let me see</think>1</answer>",
    "tags crossed": "<think>a<answer>b</think>c</answer>",
    "50 copies of the thought": "<think>a</think>" * 50 + "<answer>1</answer>",
    "50 copies of the answer": "<think>a</think>" + "<answer>1</answer>" * 50,
    "50 copies of everything": GOOD * 50,
    "50 opening tags": "<think>" * 50,
    "a nested thought": "<think><think>a</think></think><answer>1</answer>",
    "no thought": "<answer>1</answer>",
    "an unclosed thought": "<think>a<answer>1</answer>",
    "an unclosed answer": "<think>a</think><answer>1",
    "capital tags": GOOD.replace("think", "THINK"),
    "tags with attributes": GOOD.replace("<think>", "<think class='x'>"),
    "tags with spaces": GOOD.replace("<think>", "< think >"),
    "no tags": "74 - 15 - 9",
    "nothing": "",
}


@pytest.mark.parametrize("completion", HACKS.values(), ids=HACKS.keys())
def test_a_broken_format_scores_zero(completion):
    result = grade_format(completion, {})
    assert result.score == 0.0
    assert result.reason


@pytest.mark.parametrize(
    ("thought", "lack"), [(" \n", "is empty"), ("...", "holds no letter or digit")]
)
def test_the_reason_says_what_the_thought_lacks(thought, lack):
    reason = grade_format(f"<think>{thought}</think><answer>1</answer>", {}).reason
    assert reason == f"The thought {lack}."


TWINS = {
    "plain": GOOD,
    "no line break": GOOD.replace("\n", ""),
    "white space around everything": f"\n {GOOD} \n\n",
    "a long thought": f"<think>{' '.join(map(str, range(3000)))}</think>\n<answer>1</answer>",
    "another script": "<think>先に引く</think>\n<answer>七十四</answer>",
    "angle brackets": "<think>15 < 74 and 74 > 9 <b>so</b></think><answer>1</answer>",
    "a zero-width character among words": "<think>so\u200b it is</think><answer>1</answer>",
}


@pytest.mark.parametrize("completion", TWINS.values(), ids=TWINS.keys())
def test_an_honest_format_earns_one(completion):
    result = grade_format(completion, {})
    assert (result.score, result.flags) == (1.0, ())


@pytest.mark.parametrize("case", ["50 copies of the thought", "50 copies of the answer"])
def test_farmed_tags_are_flagged(case):
    assert grade_format(HACKS[case], {}).flags == ("repeated_tags",)


def test_a_thought_opened_by_the_prompt_counts_when_the_option_says_so():
    rest = GOOD.removeprefix("<think>")
    assert grade_format(rest, {}).score == 0.0
    assert grade_format(rest, {}, think_opened_by_prompt=True).score == 1.0
    assert grade_format("</think><answer>1</answer>", {}, think_opened_by_prompt=True).score == 0.0


OTHER = "<plan>first add</plan><work>1 + 2</work>\n<solution>3</solution>"


@pytest.mark.parametrize(
    ("completion", "score"),
    [
        (OTHER, 1.0),
        (f"\n{OTHER}\n", 1.0),
        (OTHER.replace("<work>", "so <work>"), 0.0),
        (OTHER.replace("1 + 2", " "), 0.0),
        (OTHER.replace("work>", "plan>"), 0.0),
        ("<work>1 + 2</work><plan>first add</plan><solution>3</solution>", 0.0),
        ("<plan>a<work>b</work></plan><solution>3</solution>", 0.0),
        (OTHER + OTHER, 0.0),
        (OTHER + ".", 0.0),
        (GOOD, 0.0),
    ],
)
def test_other_tags_are_as_strict_and_in_their_order(completion, score):
    result = grade_format(completion, {}, tags="plan, work, solution")
    assert result.score == score
    assert result.reason


def test_one_tag_is_enough_and_a_name_is_no_sentence():
    assert grade_format("<answer>1</answer>", {}, tags="answer").score == 1.0
    assert grade_format("so <answer>1</answer>", {}, tags="answer").score == 0.0
    for tags in ("", "a,,b", "a, a", "my answer", "<a><b>"):
        with pytest.raises(BadInputError, match="commas between"):
            check_entry(RewardEntry("format", "format", options={"tags": tags}))


@pytest.mark.parametrize("unit", ["<think", "<think>", "<", "</think><answer>"])
def test_the_time_for_unclosed_tags_grows_as_the_text(unit):
    assert grade_format(unit * 8000, {}).score == 0.0
    assert growth(lambda size: grade_format(unit * size, {}), 20_000) < 10


REPETITIVE = {
    "one letter": "a" * 4000,
    "one word": "so " * 4000,
    "one sentence": "Let me check this once more. " * 4000,
    "one equation": "15 + 35 = 50 no\n" * 4000,
    "after 20 kB of honest text": " ".join(map(str, range(4000))) + "wait " * 4000,
}


@pytest.mark.parametrize("text", REPETITIVE.values(), ids=REPETITIVE.keys())
def test_4000_repetitions_are_noticed(text):
    assert is_repetitive(text)


HONEST_LONG = {
    "numbers": " ".join(map(str, range(4000))),
    "a systematic search": "".join(
        f"{a} + {b} = {a + b}, {a + b} - 9 = {a + b - 9} no\n" for a in range(40) for b in range(40)
    ),
    "a table": "".join(f"| {i} | {i * i} | {i**3} |\n" for i in range(500)),
    "this file": Path(__file__).read_text("utf-8"),
    "something short": "no no no no",
}


@pytest.mark.parametrize("text", HONEST_LONG.values(), ids=HONEST_LONG.keys())
def test_long_honest_text_is_not_called_repetitive(text):
    assert not is_repetitive(text)
