"""Likeness, overlap and repetition: what is alike earns, what merely says everything does not."""

import math

import pytest

from rft_core.rewards.text.overlap import MEASURES as OVERLAPS
from rft_core.rewards.text.overlap import bleu, grade_overlap, rouge_l, rouge_n
from rft_core.rewards.text.repetition import grade_repetition
from rft_core.rewards.text.similarity import MEASURES, grade_similarity
from tests.work import growth

GOLD = "The cat sat on the mat."
ROW = {"answer": GOLD}
PROSE = (
    "We first add the two prices, which makes twelve dollars. The shop takes a quarter off, so "
    "nine dollars remain. Since Ann pays with a ten, one dollar comes back to her purse."
)


@pytest.mark.parametrize("measure", MEASURES)
def test_the_gold_text_is_wholly_alike_and_a_typo_nearly(measure):
    assert grade_similarity(GOLD, ROW, measure=measure).score == 1.0
    assert 0.75 < grade_similarity("The cat sat on teh mat", ROW, measure=measure).score < 1.0
    assert grade_similarity("", ROW, measure=measure).score == 0.0
    assert grade_similarity("\u200b \n", ROW, measure=measure).score < 0.1


@pytest.mark.parametrize("measure", MEASURES)
def test_saying_everything_does_not_pay(measure):
    dump = " ".join(f"word{i}" for i in range(500)) + " " + GOLD
    assert grade_similarity(dump, ROW, measure=measure).score < 0.65  # Jaro-Winkler is kind
    assert grade_similarity(dump, ROW, measure=measure, threshold=0.9).score == 0.0
    many = (GOLD + " ") * 40
    assert grade_similarity(many, ROW, measure=measure, threshold=0.9).score == 0.0


def test_word_order_is_free_only_where_it_is_said():
    swapped = "on the mat sat the cat."
    assert grade_similarity(swapped, ROW, measure="token_sort", ignore_case=True).score > 0.9
    assert grade_similarity(swapped, ROW).score < 0.8


def test_a_threshold_gives_one_or_zero():
    assert grade_similarity("The cat sat on a mat.", ROW, threshold=0.8).score == 1.0
    assert grade_similarity("A dog ran.", ROW, threshold=0.8).score == 0.0


@pytest.mark.parametrize("row", [{}, {"answer": None}, {"answer": "  "}])
def test_a_row_without_gold_text_is_unscored(row):
    assert grade_similarity("x", row).score is None
    assert grade_overlap("x", row).score is None


def test_a_flood_is_cheap_to_refuse():
    long = {"answer": "ab cd " * 2_000}
    assert growth(lambda size: grade_similarity("ab" * size, ROW), 50_000) < 10
    assert growth(lambda size: grade_similarity("ab " * size, ROW, measure="partial"), 3_000) < 10
    assert growth(lambda size: grade_overlap("ab " * size, long), 25_000) < 10


def test_a_long_text_is_not_looked_for_since_that_could_take_minutes():
    long = {"answer": "ab c" * 1_000}
    assert grade_similarity("ab c" * 5_000, long, measure="partial").score is None
    assert grade_similarity("ab c" * 1_000, long, measure="token_set").score == 1.0


def test_overlap_agrees_with_sums_by_hand():
    given, gold = ["police", "killed", "the", "gunman"], ["police", "kill", "the", "gunman"]
    assert rouge_n(given, gold, 1) == 0.75
    assert rouge_n(given, gold, 2) == pytest.approx(1 / 3)
    assert rouge_l(given, gold) == 0.75
    assert rouge_l(["the", "gunman", "kill", "police"], gold) == 0.5
    precisions = [3 / 4, 2 / 4, 1 / 3, 1 / 2]  # from bigrams on with one added above and below
    assert bleu(given, gold) == pytest.approx(math.prod(precisions) ** 0.25)


@pytest.mark.parametrize("measure", OVERLAPS)
def test_overlap_pays_the_gold_text_and_no_cheat(measure):
    assert grade_overlap(GOLD, ROW, measure=measure).score == pytest.approx(1.0)
    assert grade_overlap("the cat sat, on the mat", ROW, measure=measure).score == pytest.approx(1)
    cheats = ["", "...", "the " * 200, "mat", "cat " * 6, GOLD * 30, "a b c d e f"]
    for cheat in cheats:
        assert grade_overlap(cheat, ROW, measure=measure).score < 0.5, cheat


@pytest.mark.parametrize("gold", ["cat", "the cat", "a, b c", "the cat sat", "one two three four"])
def test_an_exact_copy_earns_full_however_short_it_is(gold):
    for measure in OVERLAPS:
        for text, is_copy in ((gold, True), ("dog", False), (f"{gold} {gold} {gold}", False)):
            graded = grade_overlap(text, {"answer": gold}, measure=measure).score
            assert (graded == pytest.approx(1.0)) is is_copy, (measure, text)
    for n in range(1, 6):
        words = gold.replace(",", "").split()
        assert rouge_n(words, words, n) == 1.0 and rouge_n(["dog"], words, n) == 0.0


def test_overlap_within_an_answer_block():
    text = f"<think>the dog</think><answer>{GOLD}</answer>"
    assert grade_overlap(text, ROW, extraction="answer_tag").score == 1.0
    assert grade_overlap(GOLD, ROW, extraction="answer_tag").score == 0.0


def test_honest_text_earns_the_full_repetition_score():
    assert grade_repetition(PROSE, {}).score == 1.0
    assert grade_repetition("42", {}).score == 1.0
    assert grade_repetition("74 - 15 = 59, 59 - 9 = 50, 3 * 4 = 12, 12 / 6 = 2", {}).score == 1.0


def test_repeating_oneself_earns_less_and_less():
    twice = grade_repetition(PROSE * 2, {}).score
    often = grade_repetition(PROSE * 6, {}).score
    assert 1 > twice > often > 0
    for cheat in ("no " * 4000, "-" * 4000, "I will now think. " * 30, "ha ha ha ha ha ha ha"):
        assert grade_repetition(cheat, {}).score < 0.5, cheat
    assert grade_repetition(" \u200b", {}).score == 0.0


@pytest.mark.parametrize(
    ("given", "gold", "wanted"),
    [
        ("sat a red on", "sat a red sat on", (0.888889, 0.571429, 0.888889, 0.550695)),
        ("the cat sat on the mat", "the cat is on the mat", (0.833333, 0.6, 0.833333, 0.485492)),
        ("a fast brown fox jumped over dogs", "the quick brown fox jumped over the lazy dog",
         (0.5, 0.428571, 0.5, 0.379887)),
        ("the the the the the the the", "the cat is on the mat",
         (0.307692, 0.0, 0.307692, 0.192056)),
        ("it is a guide to action which ensures that the military always obeys the commands of "
         "the party", "it is a guide to action that ensures that the military will forever heed "
         "party commands", (0.705882, 0.5, 0.647059, 0.455087)),
    ],
)  # fmt: skip
def test_overlap_is_what_the_usual_packages_give(given, gold, wanted):
    """As rouge-score 0.1.2 and sacrebleu (add-one smoothing) give it, to six places."""
    texts = given.split(), gold.split()
    ours = (rouge_n(*texts, 1), rouge_n(*texts, 2), rouge_l(*texts), bleu(*texts))
    assert ours == pytest.approx(wanted, abs=1e-6)
