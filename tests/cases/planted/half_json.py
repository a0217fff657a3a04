"""Bug: every key that is there pays, whatever its value."""

import json

TASK = "json_output"


def keys(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.replace("<answer>", "").replace("</answer>", ""))
            out.append(sum(name in value for name in gold) / len(gold))
        except (ValueError, TypeError):
            out.append(0.0)
    return out
