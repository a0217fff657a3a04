"""A family of five: correct, integer, strict and soft form, tags counted once each."""

import re

TASK = "gsm8k"


def _extract(text):
    return text.split("<answer>")[-1].split("</answer>")[0].strip()


def correctness(completions, answer, **kwargs):
    golds = [a.split("####")[1].strip() for a in answer]
    return [2.0 if _extract(c) == g else 0.0 for c, g in zip(completions, golds)]


def integer(completions, **kwargs):
    return [0.5 if _extract(c).isdigit() else 0.0 for c in completions]


def strict_form(completions, **kwargs):
    form = r"<reasoning>\n.*?\n</reasoning>\n<answer>\n.*?\n</answer>\n"
    return [0.5 if re.fullmatch(form, c, re.DOTALL) else 0.0 for c in completions]


def soft_form(completions, **kwargs):
    form = r"<reasoning>.*?</reasoning>\s*<answer>.*?</answer>"
    return [0.5 if re.match(form, c, re.DOTALL) else 0.0 for c in completions]


def tag_count(completions, **kwargs):
    out = []
    for c in completions:
        score = 0.125 * sum(
            c.count(t) == 1
            for t in ("<reasoning>\n", "\n</reasoning>\n", "\n<answer>\n", "\n</answer>")
        )
        out.append(score - 0.001 * len(c.split("\n</answer>")[-1]))
    return out
