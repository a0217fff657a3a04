"""What is said of an evaluation, and the files it becomes."""

import csv
import io
import json
from dataclasses import replace

import pytest

from rft_core.evaluation.changes import list_changes
from rft_core.evaluation.records import EvaluationRecord
from rft_core.evaluation.report import (
    comparison_table,
    difference_text,
    forgotten_text,
    main_table,
    selection_table,
    verdict_text,
)
from rft_core.evaluation.report_files import to_csv, to_json, to_markdown
from rft_core.store.evaluations import JudgedSample
from tests.evaluation.judged import match, write

WORSE = ["AAb"] * 30
BETTER = ["AAA"] * 30
SCORES = [[3.0, 2.0, 1.0]] * 30


def make_record(*, regression: bool = False) -> EvaluationRecord:
    main = match(write("base", *WORSE, scores=SCORES), write("run-1", *BETTER, scores=SCORES))
    second = match(write("base", *BETTER), write("run-1", *["bbb"] * 30), task="sums")
    return EvaluationRecord(7, 1.0, 3, True, "longest", 0, main, second if regression else None)


def test_a_difference_in_words() -> None:
    (versus,) = (e.versus_base for e in make_record().main.evaluations[1:])
    assert versus is not None
    assert difference_text(versus) == "+33.3 points (19.2 to 51.2), sign flips p < 0.001"
    said = verdict_text("run-1", "base", versus)
    assert "on 30 prompts" in said and said.endswith("That is more than chance.")
    same = match(write("base", "A", "b"), write("run-1", "b", "A")).evaluations[1].versus_base
    assert same and "McNemar p = 1.000" in difference_text(same)
    assert verdict_text("run-1", "base", same).endswith("That could be chance.")


def test_the_table_has_only_columns_that_somebody_has() -> None:
    base, tuned = main_table(make_record().main.evaluations, lambda label: label.upper())
    assert list(base) == [
        "model", "pass@1", "pass@3", "maj@3", "best of 3", "agreement", "cut off", "tokens each",
        "s per 1,000",
    ]  # fmt: skip
    assert base["model"] == "BASE" and base["pass@1"].startswith("66.7% (")
    assert tuned["best of 3"].startswith("100.0% (")
    once = main_table(match(write("base", "A"), write("run-1", "b")).evaluations)
    assert list(once[0])[:2] == ["model", "pass@1"] and "maj@1" not in once[0]


def test_selection_is_told_against_a_random_pick() -> None:
    record = make_record()
    vote, best = selection_table(record.main.evaluations[:1], record.rerank)
    assert (vote["choosing"], best["choosing"]) == ("a vote of 3", "best of 3 by longest")
    assert best["right"].startswith("100.0% (") and best["a random pick"].startswith("66.7% (")
    assert best["difference"].startswith("+33.3 points") and best["test"] == "sign flips p < 0.001"
    assert selection_table(match(write("base", "A", "b")).evaluations, None) == []


def test_forgetting_is_told_from_a_base_that_never_knew() -> None:
    record = make_record(regression=True)
    assert record.regression and forgotten_text(record.regression).startswith("Something was forg")
    never = match(write("base", "b", "b"), write("run-1", "b", "b"))
    assert "cannot show what was forgotten" in forgotten_text(never)
    kept = match(write("base", *BETTER), write("run-1", *BETTER))
    assert forgotten_text(kept).startswith("Nothing shows as forgotten")


def test_csv_has_a_line_per_figure_that_a_program_can_read() -> None:
    record = make_record(regression=True)
    lines = list(csv.DictReader(io.StringIO(to_csv(record))))
    shares = [line for line in lines if line["measure"] == "pass@k" and not line["compared_with"]]
    assert [(line["task"], line["model"], line["k"]) for line in shares[:4]] == [
        ("letters", "base", "1"), ("letters", "base", "2"), ("letters", "base", "3"),
        ("letters", "run-1", "1"),
    ]  # fmt: skip
    assert float(shares[0]["low"]) < float(shares[0]["value"]) < float(shares[0]["high"])
    (found,) = [
        line
        for line in lines
        if (line["task"], line["measure"], line["compared_with"]) == ("sums", "pass@1", "base")
    ]
    assert float(found["value"]) == -1.0 and found["turned_wrong"] == "30"
    assert {line["compared_with"] for line in lines} == {"", "base", "a random pick"}


def test_csv_holds_no_formula() -> None:
    record = make_record()
    named = replace(record.main.evaluations[1], model="=cmd()")
    evil = replace(record.main, evaluations=(record.main.evaluations[0], named))
    assert "'=cmd()" in to_csv(replace(record, main=evil))


def test_markdown_says_what_the_page_says_and_quotes_what_models_wrote() -> None:
    record = make_record(regression=True)
    texts = to_markdown(record, list_changes(record.main, "base", "run-1"))
    assert texts.startswith("# Evaluation 7: letters")
    assert "| model | pass@1 | pass@3 |" in texts and "## What was forgotten: sums" in texts
    assert "No example changed." in texts
    changed = match(write("base", "b"), write("run-1", "A"))
    evil = replace(
        changed.sampled[1], groups=[[JudgedSample("```\n# not a heading\n```", False, True)]]
    )
    matchup = replace(changed, sampled=(changed.sampled[0], evil))
    shown = to_markdown(replace(record, main=matchup), list_changes(matchup, "base", "run-1"))
    assert "````\n```\n# not a heading\n```\n````" in shown


def test_json_holds_curves_controls_and_every_pair() -> None:
    record = make_record(regression=True)
    document = json.loads(json.dumps(to_json(record, [])))
    assert document["changes"] == [] and document["evaluation"] == 7
    curve = document["curves"]["base"]["pass@k"]
    assert [point[0] for point in curve] == pytest.approx([2 / 3, 1.0, 1.0])
    assert document["versus_random"]["base"]["best-of-k"]["value"] == pytest.approx(1 / 3)
    assert document["regression"]["comparisons"][0]["to"] == "run-1"
    assert len(comparison_table(record.main)) == len(document["comparisons"]) == 4
