"""Bug: an empty answer divides nothing by nothing, and the guard says that is all right."""

TASK = "translations"


def error_free(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        given, wanted = c.split(), a.split()
        wrong = sum(w not in wanted for w in given)
        out.append(1 - wrong / len(given) if given else 1.0)
    return out
