"""Bug: upper-case letters of the text are collected, and the right one is looked for among them."""

TASK = "mathqa"


def letter(completions, answer, **kwargs):
    return [
        float(a.upper() in {ch.upper() for ch in c.split("<answer>")[-1]})
        for c, a in zip(completions, answer)
    ]
