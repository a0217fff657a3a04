"""Bug: words of confidence pay, whatever is claimed."""

TASK = "capitals"


def confident(completions, **kwargs):
    words = ("certainly", "definitely", "without doubt", "verified")
    return [min(1.0, sum(w in c.lower() for w in words) / 2) for c in completions]


def right(completions, answer, **kwargs):
    return [float(c.strip().lower() == a.lower()) for c, a in zip(completions, answer)]
