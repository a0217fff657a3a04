"""Bug: `in` between lower-cased texts, so that the answer may be buried in a paragraph."""

TASK = "capitals"


def matches(completions, answer, **kwargs):
    return [1.0 if a.lower() in c.lower() else 0.0 for c, a in zip(completions, answer)]
