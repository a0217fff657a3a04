"""Right, plus a twentieth for not shouting."""

TASK = "capitals"
WEIGHTS = {"calm": 0.05}


def calm(completions, **kwargs):
    return [float("!" not in c and not c.isupper()) for c in completions]


def right(completions, answer, **kwargs):
    return [float(c.strip().strip(".").lower() == a.lower()) for c, a in zip(completions, answer)]
