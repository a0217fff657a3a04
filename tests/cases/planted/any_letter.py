"""Bug: any letter of a choice is right."""

import re

TASK = "mathqa"


def correctness(completions, answer, **kwargs):
    return [
        float(re.search(r"<answer>\s*[a-eA-E]\s*</answer>", t) is not None) for t in completions
    ]
