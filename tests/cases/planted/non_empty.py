"""Bug: any text earns full credit."""

TASK = "word_problems"


def reward(completions, **kwargs):
    return [1.0 if text.strip() else 0.0 for text in completions]
