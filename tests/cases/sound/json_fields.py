"""JSON of the right fields, with a point for each value that is right."""

import json

TASK = "json_output"


def values(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        block = text.strip().removeprefix("<answer>").removesuffix("</answer>")
        try:
            given = json.loads(block)
        except ValueError:
            scores.append(0.0)
            continue
        if not isinstance(given, dict) or set(given) != set(gold):
            scores.append(0.0)
        else:
            scores.append(sum(given[name] == gold[name] for name in gold) / len(gold))
    return scores
