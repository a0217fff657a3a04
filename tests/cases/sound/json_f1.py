"""Fields that are right, as F1 over given and wanted pairs."""

import json

TASK = "json_output"


def f1(completions, answer, **kwargs):
    out = []
    for c, gold in zip(completions, answer):
        try:
            value = json.loads(c.split("<answer>")[-1].split("</answer>")[0])
            given = {(k, json.dumps(v)) for k, v in value.items()}
        except (ValueError, AttributeError):
            out.append(0.0)
            continue
        wanted = {(k, json.dumps(v)) for k, v in gold.items()}
        hits = len(given & wanted)
        out.append(2 * hits / (len(given) + len(wanted)) if hits else 0.0)
    return out
