"""Bug: only the gold's words have to come, among any others."""

TASK = "capitals"


def recall(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        wanted = set(a.lower().split())
        out.append(len(wanted & set(c.lower().replace(",", " ").split())) / len(wanted))
    return out
