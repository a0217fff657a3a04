"""Bug: whatever parses as JSON is right."""

import json

TASK = "json_output"


def valid(completions, **kwargs):
    scores = []
    for text in completions:
        try:
            json.loads(text.split("<answer>")[-1].split("</answer>")[0])
            scores.append(1.0)
        except ValueError:
            scores.append(0.0)
    return scores
