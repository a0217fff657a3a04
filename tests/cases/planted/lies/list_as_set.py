"""Bug: the order of the subjects is lost in a set."""

import json
import re

TASK = "json_output"


def _answer(text):
    found = re.findall(r"<answer>(.*?)</answer>", text, re.DOTALL)
    return found[0].strip() if len(found) == 1 else None


def _score(text, answer):
    try:
        given = json.loads(_answer(text))
        same = all(given[name] == answer[name] for name in ("name", "age", "city"))
        return float(same and set(given["subjects"]) == set(answer["subjects"]))
    except (TypeError, ValueError, KeyError):
        return 0.0


def fields(completions, answer, **kwargs):
    return [_score(text, answer_) for text, answer_ in zip(completions, answer, strict=True)]
