"""Bug: startswith, so that any word with that initial passes."""

TASK = "mathqa"


def graded(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        text = c.split("<answer>")[-1].replace("</answer>", "").strip().upper()
        out.append(1.0 if text.startswith(a.upper()) else 0.0)
    return out
