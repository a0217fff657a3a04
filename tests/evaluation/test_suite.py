"""The evaluation table, with samplers and judges that are plain functions."""

from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.evaluation.suite import Contender, evaluate
from rft_core.types import Completion

ROWS = [{"target": number} for number in range(40)]
PROMPTS = [[{"role": "user", "content": str(row["target"])}] for row in ROWS]
MODELS = [Contender("base"), Contender("run-1", Path("adapter"))]


def say(text: str) -> Completion:
    return Completion(text=text, token_ids=(1,), truncated=text == "?", logprob=0.0)


def sample(prompts, n, adapter):
    """The base knows every fourth answer, the tuned model every second."""
    every = 2 if adapter else 4
    return [
        [say(prompt[0]["content"] if at % every == 0 else "?") for _ in range(n)]
        for at, prompt in enumerate(prompts)
    ]


def judge(rows, groups):
    return [
        [completion.text == str(row["target"]) for completion in group]
        for row, group in zip(rows, groups, strict=True)
    ]


def test_the_table_has_a_row_per_model_with_intervals_and_the_difference_to_the_base():
    base, tuned = evaluate(
        "countdown",
        ROWS,
        PROMPTS,
        MODELS,
        sample=sample,
        judge=judge,
        k=4,
        extract_answer=lambda text: text,
    )
    row = base.to_row()
    assert (row["model"], row["task"], row["n"], row["pass@1"]) == ("base", "countdown", 40, 0.25)
    assert row["ci"][0] < 0.25 < row["ci"][1]
    assert (row["pass@k"], row["maj@k"], row["truncated"]) == (0.25, 0.25, 0.75)
    assert "difference" not in row
    row = tuned.to_row()
    assert row["difference"] == pytest.approx(0.25)
    assert row["difference_ci"][0] > 0
    assert row["p_value"] < 0.01


def test_all_models_get_the_same_prompts():
    asked = []

    def remember(prompts, n, adapter):
        asked.append((prompts, n))
        return sample(prompts, n, adapter)

    evaluate("countdown", ROWS, PROMPTS, MODELS, sample=remember, judge=judge, k=2)
    assert asked[0] == asked[1] == (PROMPTS, 2)


def test_what_could_not_be_judged_is_counted_apart_and_left_out():
    def judge_some(rows, groups):
        verdicts = judge(rows, groups)
        return [[None] * len(group) if at < 10 else group for at, group in enumerate(verdicts)]

    base, tuned = evaluate("countdown", ROWS, PROMPTS, MODELS, sample=sample, judge=judge_some, k=2)
    assert (base.n, base.unscored) == (30, 20)
    assert tuned.versus_base is not None
    assert tuned.versus_base.n == 30


def test_an_evaluation_without_verdicts_is_refused():
    def judge_none(rows, groups):
        return [[None] * len(group) for group in groups]

    with pytest.raises(BadInputError, match="Nothing could be judged"):
        evaluate("countdown", ROWS, PROMPTS, MODELS, sample=sample, judge=judge_none)


def test_an_evaluation_without_rows_is_refused():
    with pytest.raises(BadInputError, match="nothing to evaluate"):
        evaluate("countdown", [], [], MODELS, sample=sample, judge=judge)
