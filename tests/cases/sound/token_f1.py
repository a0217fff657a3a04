"""Free text, token F1 as in SQuAD."""

import re
from collections import Counter

TASK = "capitals"


def f1(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>(.*?)</answer>", c, re.DOTALL)
        given = Counter(re.findall(r"\w+", m.group(1).lower())) if m else Counter()
        wanted = Counter(re.findall(r"\w+", a.lower()))
        hits = sum((given & wanted).values())
        out.append(2 * hits / (sum(given.values()) + sum(wanted.values())) if hits else 0.0)
    return out
