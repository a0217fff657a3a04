"""Leaf by leaf: right ones count, wrong and surplus ones count against it."""

import json

TASK = "json_output"


def _leaves(value, path=()):
    if isinstance(value, dict):
        return {leaf for k, v in value.items() for leaf in _leaves(v, (*path, k))}
    if isinstance(value, list):
        return {leaf for i, v in enumerate(value) for leaf in _leaves(v, (*path, i))}
    return {(path, json.dumps(value))}


def leaves(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        text = c.strip()
        if not (text.startswith("<answer>") and text.endswith("</answer>")):
            out.append(0.0)
            continue
        try:
            given = _leaves(json.loads(text[8:-9]))
        except (ValueError, RecursionError):
            out.append(0.0)
            continue
        wanted = _leaves(gold)
        out.append(max(0.0, (len(given & wanted) - len(given - wanted)) / len(wanted)))
    return out
