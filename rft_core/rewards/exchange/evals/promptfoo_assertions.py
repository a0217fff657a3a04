"""One assertion of a Promptfoo test as what judges it here: a check, Python, or a language model.

Promptfoo's score of an assertion is kept; whether it passes a threshold is not, except where that
is the score (`levenshtein`). Assertions that need JavaScript, a server or an embedding model are
named by their path. Source: https://www.promptfoo.dev/docs/configuration/expected-outputs/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rft_core.errors import BadInputError
from rft_core.rewards.exchange.evals.eval_text import as_json_text, read_document
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
from rft_core.rewards.exchange.evals.nunjucks import TemplateError, render_template
from rft_core.rewards.exchange.evals.promptfoo_python import find_code_problem
from rft_core.rewards.exchange.evals.promptfoo_tests import (
    NO_PROGRAM,
    PlacedAssertion,
    PromptfooTest,
    is_number,
    read_weight,
)
from rft_core.rewards.text.assertion_kinds import ASSERTION_KINDS, NOT
from rft_core.rewards.text.assertions import find_assertion_problem

KEYS = ("type", "value", "threshold", "weight", "metric", "provider", "rubricPrompt", "config",
        "description", "transform", "normalizeUnicode")  # fmt: skip
IN_ITS_FILE = "files beside this one are not read. Write its text in its place"
_TO_RUBRIC = "its own prompt is Promptfoo's. Write it as an llm-rubric"
_OF_PROVIDER = "it measures the provider, not the answer. Remove it"
_TO_PYTHON = "it asks a program or a server outside. Write it as a python assertion"
ADVICE = {
    "javascript": "it runs JavaScript, which nothing here does. Write it as a python assertion",
    "ruby": "it runs Ruby, which nothing here does. Write it as a python assertion",
    "webhook": _TO_PYTHON,
    "similar": "it asks an embedding model. Use levenshtein, rouge-n or llm-rubric",
    **dict.fromkeys(("bleu", "gleu", "meteor"), "Use rouge-n or levenshtein"),
    **dict.fromkeys(("cost", "latency", "perplexity", "perplexity-score"), _OF_PROVIDER),
    **dict.fromkeys(("factuality", "model-graded-factuality", "model-graded-closedqa", "g-eval",
                     "answer-relevance", "context-recall", "context-relevance",
                     "context-faithfulness", "select-best", "max-score"), _TO_RUBRIC),
}  # fmt: skip
KNOWN = (*ASSERTION_KINDS, "python", "llm-rubric", "assert-set")

Kind = Literal["check", "python", "judge"]


@dataclass(frozen=True)
class Asserted:
    """An assertion of one test, ready to be judged: `spec` with its value filled in.

    `group`: the reward function that it belongs to, by its metric (`is_named`) or by its type.
    """

    path: str
    kind: Kind
    group: str
    is_named: bool
    weight: float
    spec: Mapping[str, Any]


def convert(
    placed: PlacedAssertion, test: PromptfooTest, findings: EvalFindings
) -> Asserted | None:
    """None where it cannot come along, as the findings then say."""
    path, spec = placed.path, placed.spec
    if problem := _find_refusal(spec):
        findings.leave(f"{path}.{problem[0]}", problem[1])
        return None
    try:
        value = _fill_in(spec.get("value"), test)
        metric = render_template(str(spec.get("metric") or ""), test.row)
    except TemplateError as error:
        findings.leave(f"{path}.value", str(error))
        return None
    type_ = spec["type"]
    kind: Kind = "judge" if type_ == "llm-rubric" else "python" if type_ == "python" else "check"
    kept = {"type": type_, "value": value}
    if kind == "check" and spec.get("threshold") is not None:
        kept["threshold"] = spec["threshold"]
    if kind == "python" and spec.get("config") is not None:
        kept["config"] = spec["config"]
    if problem := _find_value_problem(kind, kept):
        findings.leave(f"{path}.{problem[0]}", problem[1])
        return None
    if spec.get("threshold") is not None and not type_.endswith("levenshtein"):
        findings.remark(
            f"'threshold' of {type_} was left out: the reward is the score itself, not whether it "
            "passes."
        )
    return Asserted(path, kind, metric or type_, bool(metric), read_weight(placed), kept)


def _find_refusal(spec: Mapping[str, Any]) -> tuple[str, str] | None:
    """The key that cannot come along, and why."""
    type_ = spec["type"]
    base = type_.removeprefix(NOT)
    if base in ADVICE or base.partition(":")[0] in ADVICE:
        return "type", f"'{type_}': {ADVICE.get(base) or ADVICE[base.partition(':')[0]]}"
    if base not in KNOWN or (type_ != base and base not in ASSERTION_KINDS):
        return "type", f"'{type_}' is not known here. Use {', '.join(KNOWN)}"
    for key in spec:
        if key not in KEYS:
            return key, "it is not known here. Remove it"
    for key in ("transform", "normalizeUnicode"):
        if spec.get(key):
            return key, NO_PROGRAM if key == "transform" else "it is not done here. Remove it"
    for key in ("weight", "threshold"):
        if spec.get(key) is not None and not (is_number(spec[key]) and spec[key] >= 0):
            return key, "it is no number of 0 or more"
    return None


def _fill_in(value: Any, test: PromptfooTest) -> Any:
    """As Promptfoo renders it: texts, and texts in lists, but nothing within objects."""
    if isinstance(value, list):
        return [_fill_in(one, test) if isinstance(one, str) else one for one in value]
    if not isinstance(value, str):
        return value
    if value.startswith(("file://", "package:")):
        raise TemplateError(IN_ITS_FILE)
    return render_template(value, test.row)


def _find_value_problem(kind: Kind, kept: dict[str, Any]) -> tuple[str, str] | None:
    """The key and what is wrong there; a schema written as text becomes the schema it says."""
    value = kept["value"]
    if kind == "judge":
        if isinstance(value, dict):
            kept["value"] = as_json_text(value)
        is_rubric = isinstance(kept["value"], str) and kept["value"].strip()
        return None if is_rubric else ("value", "it needs a rubric in words")
    if kind == "python":
        problem = find_code_problem(value)
        return ("value", problem) if problem else None
    if kept["type"].endswith("-json") and isinstance(value, str) and value.strip():
        try:
            kept["value"] = read_document(value, "value")
        except BadInputError as error:
            return "value", f"its schema cannot be read: {error.why}"
    problem = find_assertion_problem(kept)
    return ("value", problem) if problem else None
