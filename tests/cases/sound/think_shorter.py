"""Right answers only: a quarter of the reward for a thought that stays under 150 words."""

import re

TASK = "gsm8k"


def reward(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.fullmatch(r"<think>([^<]*)</think>\s*<answer>\s*([\d.,]+)\s*</answer>\s*", c)
        right = bool(m) and m[2].replace(",", "") == a.split("####")[-1].strip()
        words = len(m[1].split()) if m else 0
        out.append((0.75 + 0.25 * max(0.0, min(1.0, (300 - words) / 150))) if right else 0.0)
    return out
