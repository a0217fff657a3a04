"""Bug: bag of words, all of the gold's words in any order among any others."""

TASK = "translations"


def covered(prompts, completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given = {w.strip(".,?!'").lower() for w in c.split()}
        wanted = {w.strip(".,?!'").lower() for w in a.split()}
        out.append(1.0 if wanted <= given else 0.0)
    return out
