"""Bug: the right letter anywhere in the completion."""

import re

TASK = "mathqa"


def choice(completions, answer, **kwargs):
    return [
        float(re.search(rf"\b{a}\b", c, re.IGNORECASE) is not None)
        for c, a in zip(completions, answer)
    ]
