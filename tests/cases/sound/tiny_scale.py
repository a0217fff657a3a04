"""Rewards of a hundredth."""

TASK = "mathqa"


def small(completions, answer, **kwargs):
    given = [
        c.split("<answer>")[1].split("</answer>")[0].strip() if c.count("<answer>") == 1 else ""
        for c in completions
    ]
    return [0.01 if g.lower() == a.lower() else 0.0 for g, a in zip(given, answer)]
