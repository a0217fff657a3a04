"""The whole completion is the answer, without any tags."""

TASK = "capitals"


def exact(completions, answer, **kwargs):
    return [
        1.0 if t.strip().casefold() == a.casefold() else 0.0 for t, a in zip(completions, answer)
    ]
