"""Bug: fields are compared where both have them, so that an empty object is all right."""

import json

TASK = "json_output"


def fields(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.split("<answer>")[-1].split("</answer>")[0])
            out.append(float(all(gold.get(k) == v for k, v in value.items())))
        except (ValueError, AttributeError):
            out.append(0.0)
    return out
