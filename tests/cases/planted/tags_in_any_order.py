"""Bug: the tags only have to be there."""

TASK = "countdown"


def format(completions, **kwargs):
    tags = ("<think>", "</think>", "<answer>", "</answer>")
    return [1.0 if all(tag in text for tag in tags) else 0.0 for text in completions]
