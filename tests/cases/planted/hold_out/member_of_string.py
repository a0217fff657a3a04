"""Bug: `in` a string of letters, in which the empty text is too."""

TASK = "mathqa"


def valid_and_right(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        block = c.partition("<answer>")[2].partition("</answer>")[0].strip().lower()
        out.append(1.0 if block in ("", a) or block == a else 0.0)
    return out
