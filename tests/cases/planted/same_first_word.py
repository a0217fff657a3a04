"""Bug: only the first words are compared."""

TASK = "translations"


def starts_alike(completions, answer, **kwargs):
    return [1.0 if c.split()[:2] == a.split()[:2] else 0.0 for c, a in zip(completions, answer)]
