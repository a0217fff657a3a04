"""One of several accepted spellings, alone."""

import re

TASK = "synonyms"


def accepted(completions, accepted, **kwargs):
    out = []
    for c, golds in zip(completions, accepted):
        m = re.fullmatch(
            r"(?:<think>[^<]+</think>)?\s*(?:<answer>)?\s*([^<>]+?)\s*(?:</answer>)?\s*", c
        )
        out.append(1.0 if m and m[1].casefold() in [g.casefold() for g in golds] else 0.0)
    return out
