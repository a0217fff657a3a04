"""A little for valid JSON, most for the right values."""

import json

TASK = "json_output"
WEIGHTS = {"valid": 0.2, "right": 1.0}


def _read(text):
    try:
        return json.loads(text.partition("<answer>")[2].partition("</answer>")[0])
    except ValueError:
        return None


def valid(completions, **kwargs):
    return [float(isinstance(_read(text), dict)) for text in completions]


def right(completions, answer, **kwargs):
    return [float(_read(text) == gold) for text, gold in zip(completions, answer)]
