"""'The answer is X.' as the last sentence, once."""

import re

TASK = "mathqa"


def stated(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        said = re.findall(r"[Tt]he answer is \(?([A-Ea-e])\)?\.", c)
        last = re.search(r"[Tt]he answer is \(?([A-Ea-e])\)?\.\s*\Z", c)
        out.append(float(len(said) == 1 and last is not None and said[0].lower() == a.lower()))
    return out
