"""Bug: the right keys are enough."""

import json

TASK = "json_output"


def keys(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.partition("<answer>")[2].partition("</answer>")[0])
            out.append(float(set(value) == set(gold)))
        except (ValueError, TypeError):
            out.append(0.0)
    return out
