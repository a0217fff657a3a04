"""Only the shape: an object of these four fields with these types."""

import json

TASK = "json_output"
TYPES = {"name": str, "age": int, "city": str, "subjects": list}


def shape(completions, **kwargs):
    out = []
    for c in completions:
        try:
            value = json.loads(c.strip().removeprefix("<answer>").removesuffix("</answer>"))
        except ValueError:
            out.append(0.0)
            continue
        ok = isinstance(value, dict) and value.keys() == TYPES.keys()
        ok = ok and all(isinstance(value[k], t) and value[k] for k, t in TYPES.items())
        out.append(float(ok))
    return out
