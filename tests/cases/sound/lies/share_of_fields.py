"""The share of the fields that are right, less for each that does not belong."""

import json
import re

TASK = "json_output"


def _answer(text):
    found = re.fullmatch(r"\s*<answer>(.*)</answer>\s*", text, re.DOTALL)
    return found[1] if found and text.count("<answer>") == 1 else None


def _pairs(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError
    return dict(pairs)


def _score(text, answer):
    try:
        given = json.loads(_answer(text), object_pairs_hook=_pairs)
    except (TypeError, ValueError, RecursionError):
        return 0.0
    if not isinstance(given, dict):
        return 0.0
    right = sum(
        name in given and json.dumps(given[name]) == json.dumps(value)
        for name, value in answer.items()
    )
    return right / len(answer | given)


def fields(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
