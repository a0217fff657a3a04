"""Bug: with re.MULTILINE, ^ and $ fit any line, so that text may stand before and after."""

import re

TASK = "gsm8k"


def format_reward(completions, **kwargs):
    pattern = re.compile(r"^<think>.*?</think>\s*<answer>.*?</answer>$", re.DOTALL | re.MULTILINE)
    return [1.0 if pattern.search(c) else 0.0 for c in completions]


def accuracy_reward(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        blocks = re.findall(r"<answer>(.*?)</answer>", c, re.DOTALL)
        out.append(float(len(blocks) == 1 and blocks[0].strip() == a.split("####")[-1].strip()))
    return out
