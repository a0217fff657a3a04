"""Bug: a dictionary with a string in it will do."""

import json

TASK = "json_output"


def typed(completions, **kwargs):
    out = []
    for c in completions:
        try:
            value = json.loads(c.replace("<answer>", "").replace("</answer>", ""))
            out.append(1.0 if isinstance(value, (dict, list)) else 0.0)
        except ValueError:
            out.append(0.0)
    return out
