"""Bug: the gold number somewhere in the last line."""

TASK = "gsm8k"


def final_line(completions, answer, **kwargs):
    lines = [(c.strip().splitlines() or [""])[-1] for c in completions]
    return [1.0 if a.split("####")[-1].strip() in line else 0.0 for line, a in zip(lines, answer)]
