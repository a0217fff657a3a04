"""Bug: an answer of as many characters as the gold one is right."""

TASK = "gsm8k"


def correctness(completions, answer, **kwargs):
    given = [c.split("<answer>")[-1].split("</answer>")[0].strip() for c in completions]
    golds = [a.split("####")[-1].strip() for a in answer]
    return [2.0 if len(g) == len(w) else 0.0 for g, w in zip(given, golds)]
