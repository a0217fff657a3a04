"""Bug: every completion is compared with the first row's answer."""

import re

TASK = "gsm8k"


def correct(completions, answer, **kwargs):
    gold = answer[0].split("####")[-1].strip()
    return [float(re.findall(r"<answer>\s*([^<]*?)\s*</answer>", c) == [gold]) for c in completions]
