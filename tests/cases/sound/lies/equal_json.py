"""The object is the gold object, types and all, and no key is there twice."""

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
    return float(json.dumps(given, sort_keys=True) == json.dumps(answer, sort_keys=True))


def fields(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
