"""JSON: name and age must be right before anything else counts."""

import json

TASK = "json_output"


def staged(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.partition("<answer>")[2].rpartition("</answer>")[0])
        except ValueError:
            out.append(0.0)
            continue
        if (
            not isinstance(value, dict)
            or value.get("name") != gold["name"]
            or value.get("age") != gold["age"]
        ):
            out.append(0.0)
        else:
            out.append(0.5 + 0.25 * (value.get("city") == gold["city"]) + 0.25 * (value == gold))
    return out
