"""Bug: any accepted spelling anywhere in the text."""

TASK = "synonyms"


def accepted(completions, accepted, **kwargs):
    return [
        1.0 if any(g.lower() in c.lower() for g in golds) else 0.0
        for c, golds in zip(completions, accepted)
    ]
