"""Bug: relevance is the overlap with the question, which the question has most of."""

TASK = "capitals"


def relevance(prompts, completions, **kwargs):
    out = []
    for p, c in zip(prompts, completions):
        asked = set(p[-1]["content"].lower().split())
        given = set(c.lower().split())
        out.append(len(asked & given) / max(1, len(asked | given)))
    return out
