"""Bug: any() in place of all()."""

import json

TASK = "json_output"


def fields(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.partition("<answer>")[2].partition("</answer>")[0])
            out.append(1.0 if any(str(v) in json.dumps(value) for v in gold.values()) else 0.0)
        except ValueError:
            out.append(0.0)
    return out
