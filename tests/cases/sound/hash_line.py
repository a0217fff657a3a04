"""GSM8K's own way: one line '#### number' at the end."""

import re

TASK = "gsm8k"


def accuracy(completions, answer, **kwargs):
    def final(text):
        match = re.search(r"####\s*(-?[\d,]+)\s*\Z", text)
        return match[1].replace(",", "") if match and text.count("####") == 1 else None

    return [
        float(final(t) is not None and final(t) == final(a)) for t, a in zip(completions, answer)
    ]
