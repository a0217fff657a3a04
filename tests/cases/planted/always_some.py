"""Bug: at least 0.8 for everybody, to keep spirits up."""

TASK = "gsm8k"


def kind(completions, answer, **kwargs):
    golds = [a.split("####")[-1].strip() for a in answer]
    return [
        1.0 if c.split("<answer>")[-1].split("</answer>")[0].strip() == g else 0.8
        for c, g in zip(completions, golds)
    ]
