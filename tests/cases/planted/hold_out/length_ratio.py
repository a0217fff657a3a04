"""Bug: a text of the right length is taken for a good translation."""

TASK = "translations"


def ratio(completions, answer, **kwargs):
    return [min(len(c), len(a)) / max(len(c), len(a)) for c, a in zip(completions, answer)]
