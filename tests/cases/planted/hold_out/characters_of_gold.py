"""Bug: every character of the gold has to come, in any order and among any others."""

TASK = "word_problems"


def characters(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        block = c.split("<answer>")[-1].split("</answer>")[0]
        out.append(1.0 if all(ch in block for ch in a.split("####")[-1].strip()) else 0.0)
    return out
