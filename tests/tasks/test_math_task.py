"""MATH: the published columns, golds of every sort of answer, and nothing for what is not equal."""

import gzip
import json
import os
from pathlib import Path

import pytest

from rft_core.data.mapping import suggest_mapping
from rft_core.data.table import Table
from rft_core.rewards.answers.math_text import as_text
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import get_task

MATH = get_task("math")
FILE = os.environ.get("MATH_FILE", "")  # the published test set, as gzipped JSON lines


def score(pairs):
    """The score of each (gold box, completion box)."""
    rows = [{"problem": "?", "solution": f"So it is $\\boxed{{{gold}}}$."} for gold, _ in pairs]
    texts = [f"<think>I see.</think>\n<answer>{given}</answer>" for _, given in pairs]
    with Scorer(MATH.reward_set) as scorer:
        samples = scorer.score(Batch([[]] * len(rows), texts, rows)).samples
    return [sample.scores["correctness"] for sample in samples]


RIGHT = [
    ("\\frac{25}{16}", "1.5625"),
    ("\\cfrac{25}{16}", "\\frac{25}{16}"),
    ("2\\sqrt{3}", "\\sqrt{12}"),
    ("575\\text{ students}", "575"),
    ("864 \\mbox{ inches}^2", "864"),
    ("2,\\!598,\\!960", "2598960"),
    ("1,\\!000,\\!000,\\!000", "1,000,000,000"),
    ("4210_5", "4210_{5}"),
    ("3:1", "3 : 1"),
    ("\\text{Evelyn}", "Evelyn"),
    ("\\mbox{Saturday}", "\\text{Saturday}"),
    ("9\\text{ a.m.}", "9 \\text{ a.m.}"),
    ("x^8 + x^7 + x^6 + x^5 + x^4 + x^3 + x^2 + x + 1", "x^8+x^7+x^6+x^5+x^4+x^3+x^2+x+1"),
    ("\\left( 3, \\frac{\\pi}{2} \\right)", "(3, \\frac{\\pi}{2})"),
]
WRONG = [
    ("\\text{Evelyn}", "\\text{Angela}"),
    ("\\text{Evelyn}", "5"),
    ("575\\text{ students}", "574"),
    ("2,\\!598,\\!960", "2598961"),
    ("4210_5", "4210_6"),
    ("3:1", "1:3"),
    ("3:1", "3"),
    ("4210_5", "4210"),
    ("\\text{even}", "\\text{odd or even}"),
    ("5", "5 \\text{ or } 6"),
    ("12", "12_3"),
]


def test_spellings_of_the_gold_answer_are_right():
    assert dict(zip(RIGHT, score(RIGHT), strict=True)) == dict.fromkeys(RIGHT, 1.0)


def test_other_answers_are_wrong_and_never_unscored():
    assert dict(zip(WRONG, score(WRONG), strict=True)) == dict.fromkeys(WRONG, 0.0)


def test_a_boxed_answer_without_tags_is_right_and_has_the_wrong_form():
    with Scorer(MATH.reward_set) as scorer:
        text = "So it is $\\boxed{2.5}$."
        [sample] = scorer.score(Batch([[]], [text], [MATH.example_row])).samples
    assert sample.scores == {"format": 0.0, "correctness": 1.0}


def test_the_published_columns_are_read():
    columns = ("problem", "level", "type", "solution", "idx")
    row = dict(zip(columns, ("How many?", "Level 3", "Algebra", "\\boxed{2}", 0), strict=True))
    mapping = suggest_mapping(Table("m.jsonl", "jsonl", columns, (row,)), MATH.fields)
    assert mapping == {"problem": "problem", "solution": "solution"}


@pytest.mark.parametrize("solution", ["It is 2.", "\\boxed{1} or \\boxed{2}", "\\boxed{", ""])
def test_a_solution_without_one_answer_is_no_gold(solution):
    assert MATH.write_gold({"problem": "?", "solution": solution}) is None


def test_no_known_cheat_is_paid():
    cheats = list(MATH.cheats(MATH.example_row).values())
    with Scorer(MATH.reward_set) as scorer:
        rows = [MATH.example_row] * len(cheats)
        samples = scorer.score(Batch([[]] * len(cheats), cheats, rows)).samples
    assert [sample.scores["correctness"] for sample in samples] == [0.0] * len(cheats)


@pytest.mark.parametrize("piece", ["\\text{", "{,}", "1,", "_{", " ", "\\,", "9\\;", "\\dfrac"])
def test_long_texts_are_never_read(piece):
    assert score([("5", piece * 20_000)]) == [0.0]
    assert isinstance(as_text(piece * 50), str)


@pytest.mark.slow
@pytest.mark.skipif(not Path(FILE).is_file(), reason="MATH_FILE names no file")
def test_all_published_golds_earn_the_full_reward():
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    known = [row for row in rows if MATH.write_gold(row)]
    assert len(known) >= 0.99 * len(rows)
    MATH.validate(known)
