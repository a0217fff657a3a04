"""The JSON of the whole answer equals the gold, types and all."""

import json
import re

TASK = "json_output"


def same(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        m = re.fullmatch(r"\s*<answer>(.*)</answer>\s*", c, re.DOTALL)
        try:
            out.append(
                float(
                    bool(m)
                    and json.dumps(json.loads(m[1]), sort_keys=True)
                    == json.dumps(gold, sort_keys=True)
                )
            )
        except ValueError:
            out.append(0.0)
    return out
