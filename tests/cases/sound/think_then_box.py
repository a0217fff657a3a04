"""One box after the thought; -1 for a broken form."""

import re

TASK = "gsm8k"


def form(completions, **kwargs):
    out = []
    for c in completions:
        thought, closed, rest = c.partition("</think>")
        ok = (
            c.startswith("<think>")
            and closed
            and c.count("<think>") == 1
            and c.count("</think>") == 1
        )
        ok = ok and thought.removeprefix("<think>").strip() and rest.count("\\boxed{") == 1
        out.append(0.5 if ok and rest.rstrip().endswith("}") else -1.0)
    return out


def accuracy(completions, answer, **kwargs):
    found = [re.findall(r"\\boxed\{([^{}]+)\}", c) for c in completions]
    return [
        1.0 if f and len(set(f)) == 1 and f[0].strip() == a.split("####")[-1].strip() else 0.0
        for f, a in zip(found, answer)
    ]
