"""Bug: brevity weighs more than being right, and nothing is shorter than nothing."""

TASK = "gsm8k"
WEIGHTS = {"brief": 2.0}


def brief(completions, **kwargs):
    return [max(0.0, 1 - len(c) / 100) for c in completions]


def correct(completions, answer, **kwargs):
    golds = [a.split("####")[-1].strip() for a in answer]
    return [float(c.rstrip().endswith(f"<answer>{g}</answer>")) for c, g in zip(completions, golds)]
