"""Correctness less a penalty for repeated phrases of four words."""

TASK = "gsm8k"


def correct(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        head, sep, tail = c.rpartition("<answer>")
        out.append(float(bool(sep) and tail.strip() == a.split("####")[-1].strip() + "</answer>"))
    return out


def repeated(completions, **kwargs):
    out = []
    for c in completions:
        words = c.split()
        grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
        out.append(-(len(grams) - len(set(grams))) / len(grams) if grams else 0.0)
    return out
