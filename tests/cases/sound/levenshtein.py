"""One minus the edit distance over the longer length."""

TASK = "translations"


def _distance(a, b):
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, y in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (x != y))
    return row[-1]


def edit_similarity(completions, answer, **kwargs):
    texts = [c.strip()[:400] for c in completions]
    return [1 - _distance(t, a) / max(len(t), len(a)) for t, a in zip(texts, answer)]
