"""Two functions, one of them with a log that pays nothing."""

import re

TASK = "mathqa"
WEIGHTS = {"names_letter_early": 0}


def names_letter_early(completions, **kwargs):
    return [float(bool(re.match(r"\W*[a-eA-E]\b", c))) for c in completions]


def letter(completions, answer, log_extra, **kwargs):
    out, why = [], []
    for c, a in zip(completions, answer):
        m = re.search(r"<answer>\s*([a-eA-E])\s*</answer>\s*\Z", c)
        out.append(1.0 if m and m[1].lower() == a.lower() else 0.0)
        why.append("no letter" if not m else m[1])
    log_extra("reason", why)
    return out
