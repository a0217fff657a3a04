"""Bug: each tag must be there, in whatever order."""

TASK = "gsm8k"
CHECK = "format"


TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def format(completions, **kwargs):
    return [float(all(text.count(tag) == 1 for tag in TAGS)) for text in completions]
