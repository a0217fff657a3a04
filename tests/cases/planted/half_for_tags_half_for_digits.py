"""Bug: half for the opening tags alone, half for any digit in the text."""

TASK = "gsm8k"


def quality(completions, **kwargs):
    return [
        0.5 * ("<think>" in c and "<answer>" in c) + 0.5 * any(ch.isdigit() for ch in c)
        for c in completions
    ]
