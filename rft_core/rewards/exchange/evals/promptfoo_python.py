"""Promptfoo's python assertions as one module of reward functions.

An assertion is an expression, or the body of a function of `output` and `context`. Each becomes a
function; a row's `assertions` say which of them judge its completion. What they may return, and
that an exception scores 0, is Promptfoo's.
Source: https://www.promptfoo.dev/docs/configuration/expected-outputs/python/
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rft_core.rewards.exchange.openai_graders import WHOLE_ROW

_HEAD = '''"""Python assertions of {name}, as Promptfoo calls them."""

import json
import math

'''
_CALLS = '''
_ASSERTIONS = {{{table}}}


def _read_score(result):
    """True or False, a number, or {{"pass", "score", "reason"}}, also as JSON."""
    if isinstance(result, str):
        text = result.strip()
        words = {{"true": True, "false": False}}
        result = words[text.lower()] if text.lower() in words else json.loads(text)
    if isinstance(result, dict):
        return float(result["score"]), str(result.get("reason", ""))
    score = float(result)
    if not math.isfinite(score):
        raise ValueError(f"it returned {{score}}")
    return score, ""


def _judge(metric, completions, prompts, log_extra, columns):
    scores, reasons = [], []
    for index, output in enumerate(completions):
        row = {{name: values[index] for name, values in columns.items()}}
        listed = row.pop({column!r}, None) or []
        whole = row.pop({whole!r}, None) or row
        shown = {{name: value for name, value in whole.items() if name in {names!r}}}
        asked = prompts[index] if prompts else ""
        if isinstance(asked, list) and len(asked) == 1:
            asked = asked[0]["content"]
        if not isinstance(asked, str):
            asked = json.dumps(asked, ensure_ascii=False)
        total, weights, said = 0.0, 0.0, []
        for one in listed:
            if one.get("type") != "python" or one.get("metric") != metric:
                continue
            context = {{"vars": shown, "prompt": asked, "config": one.get("config") or {{}}}}
            try:
                score, reason = _read_score(_ASSERTIONS[one["function"]](output, context))
            except Exception as error:
                score, reason = 0.0, f"{{type(error).__name__}}: {{error}}"
            weight = one.get("weight", 1)
            total, weights = total + weight * score, weights + weight
            said.append(reason or f"{{score:g}}")
        scores.append(total / weights if weights else None)
        reasons.append("; ".join(said) or "The row has no such assertion.")
    log_extra("reason", reasons)
    return scores
'''
_FUNCTION = """

def {name}(completions, prompts=None, log_extra=None, **columns):
    kept = {{"completion_ids", "trainer_state", "log_metric"}}
    columns = {{name: values for name, values in columns.items() if name not in kept}}
    return _judge({metric!r}, completions, prompts, log_extra, columns)
"""


def find_code_problem(code: Any) -> str:
    """Why this is no assertion; "" where it is one."""
    if not isinstance(code, str) or not code.strip():
        return "it needs an expression or a function's body in Python"
    try:
        tree = ast.parse(write_function("assertion", code))
    except SyntaxError as error:
        return f"line {max(1, (error.lineno or 2) - 1)} is no Python: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"it cannot be read as Python: {error}"
    returns = any(isinstance(node, ast.Return) for node in ast.walk(tree))
    return "" if returns else "its body returns nothing. End it with 'return score'"


def write_function(name: str, code: str) -> str:
    """A line of code is an expression; several are a body, as they are."""
    lines = code.strip("\n")
    body = lines if "\n" in code.strip() else f"return {lines.strip()}"
    return f"def {name}(output, context):\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"


def write_source(
    title: str,
    functions: Mapping[str, str],
    groups: Sequence[str],
    column: str,
    variables: Sequence[str],
) -> str:
    """The module: `functions` are code by name, `groups` the reward functions, by metric.

    `column`: where rows keep their assertions; `variables`: the columns that `context` shows.
    """
    written = [write_function(name, code) for name, code in functions.items()]
    table = ", ".join(f'"{name}": {name}' for name in functions)
    calls = _CALLS.format(table=table, column=column, names=tuple(sorted(variables)),
                          whole=WHOLE_ROW)  # fmt: skip
    rewards = [_FUNCTION.format(name=group, metric=group) for group in groups]
    shown = "".join(sign if sign.isprintable() and sign not in '\\"' else " " for sign in title)
    head = _HEAD.format(name=" ".join(shown.split()))
    return head + "\n\n".join(written) + "\n" + calls + "".join(rewards)
