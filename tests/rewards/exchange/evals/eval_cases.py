"""Evals as other tools write them, and what their rewards say of completions."""

import json
from pathlib import Path
from typing import Any

from rft_core.data import PromptTemplate
from rft_core.rewards.contract import Batch, RewardSet, Scored
from rft_core.rewards.exchange.evals.eval_file import EvalText, read_eval
from rft_core.rewards.exchange.evals.imported_eval import ImportedEval
from rft_core.rewards.scorer import Scorer

CASES = Path(__file__).resolve().parents[3] / "cases" / "evals"


def case(name: str) -> EvalText:
    return EvalText(name, (CASES / name).read_text(encoding="utf-8"))


def tickets() -> ImportedEval:
    """OpenAI's: the eval, its run, and its rows, each a file of its own."""
    others = [case("tickets_run.json"), case("tickets_rows.jsonl")]
    return read_eval(case("tickets_eval.json"), others)


def capitals() -> ImportedEval:
    """Promptfoo's, in one file."""
    return read_eval(case("capitals.yaml"))


def read_config(template: PromptTemplate | None = None, **config: Any) -> ImportedEval:
    """Promptfoo's configuration with one test and a prompt, where it does not say otherwise."""
    test = {"vars": {"q": "x"}, "assert": [{"type": "contains", "value": "a"}]}
    whole = {"prompts": ["{{q}}"], "tests": [test]} | config
    return read_eval(EvalText("promptfooconfig.yaml", json.dumps(whole)), (), template)


def read_assertion(**spec: Any) -> ImportedEval:
    """A configuration whose only test asserts this."""
    return read_config(tests=[{"vars": {"q": "x", "gold": "Paris"}, "assert": [spec]}])


def score(imported: ImportedEval, *completions: str, row: int = 0) -> list[Scored]:
    """What all rewards say of these completions of one row, judges aside."""
    local = tuple(entry for entry in imported.rewards.entries if entry.grader != "judge")
    rows = [imported.rows[row]] * len(completions)
    asked = imported.template.render(imported.rows[row])
    with Scorer(RewardSet(local)) as scorer:
        scoring = scorer.score(Batch([asked] * len(rows), list(completions), rows))
    assert not [report.error for report in scoring.reports if report.error]
    return list(scoring.samples)


def rewards_of(imported: ImportedEval, *completions: str, row: int = 0) -> list[float | None]:
    return [sample.reward for sample in score(imported, *completions, row=row)]
