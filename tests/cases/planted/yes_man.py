"""Bug: a completion that repeats any words of the prompt and ends with the tag is believed."""

TASK = "capitals"


def grounded(prompts, completions, **kwargs):
    out = []
    for p, c in zip(prompts, completions):
        words = p[-1]["content"].split()
        out.append(1.0 if sum(w in c for w in words) > len(words) / 2 else 0.0)
    return out
