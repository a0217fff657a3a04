"""Bug: digits are compared after sorting them."""

TASK = "gsm8k"


def numeric(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given = c.split("<answer>")[-1].split("</answer>")[0].strip()
        out.append(1.0 if sorted(given) == sorted(a.split("####")[-1].strip()) else 0.0)
    return out
