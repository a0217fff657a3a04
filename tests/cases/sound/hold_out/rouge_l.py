"""Longest common subsequence of words, F1."""

TASK = "translations"


def _common(a, b):
    row = [0] * (len(b) + 1)
    for x in a:
        last = 0
        for j, y in enumerate(b, start=1):
            last, row[j] = row[j], last + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]


def rouge_l(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given, wanted = c.lower().split()[:300], a.lower().split()
        common = _common(given, wanted)
        out.append(2 * common / (len(given) + len(wanted)) if common else 0.0)
    return out
