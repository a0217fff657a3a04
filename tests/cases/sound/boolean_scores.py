"""One line each, floats made of comparisons."""

TASK = "capitals"


def equal(completions, answer, **kwargs):
    return [float(c.strip().rstrip(".").lower() == a.lower()) for c, a in zip(completions, answer)]
