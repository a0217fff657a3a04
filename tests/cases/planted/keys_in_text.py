"""Bug: the names of the fields only have to be in the text."""

TASK = "json_output"


def fields(completions, answer, **kwargs):
    return [sum(name in c for name in gold) / len(gold) for c, gold in zip(completions, answer)]
