"""Bug: politeness outweighs being right."""

TASK = "capitals"
WEIGHTS = {"polite": 1.0, "right": 0.5}


def polite(completions, **kwargs):
    return [float(any(w in c.lower() for w in ("sorry", "please", "thank"))) for c in completions]


def right(completions, answer, **kwargs):
    return [float(c.strip() == a) for c, a in zip(completions, answer)]
