"""The letter with or without a bracket; anything else is wrong."""

import re

TASK = "mathqa"


def choice(completions, answer, **kwargs):
    found = [re.search(r"<answer>\s*\(?([A-Ea-e])\)?\.?\s*</answer>\s*$", c) for c in completions]
    return [float(bool(f) and f.group(1).lower() == a.lower()) for f, a in zip(found, answer)]
