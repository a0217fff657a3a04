"""A letter, with credit for a form that is counted tag by tag."""

TASK = "mathqa"
WEIGHTS = {"tags": 0.2}


def tags(completions, **kwargs):
    wanted = ("<think>", "</think>", "<answer>", "</answer>")
    scores = []
    for text in completions:
        places = [text.find(tag) for tag in wanted]
        once = all(text.count(tag) == 1 for tag in wanted)
        ordered = once and places == sorted(places) and text.rstrip().endswith("</answer>")
        scores.append(1.0 if ordered and text.startswith("<think>") else 0.0)
    return scores


def correct(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        _, _, rest = text.partition("<answer>")
        given, closed, after = rest.partition("</answer>")
        scores.append(
            float(
                bool(closed) and given.strip().upper() == gold.upper() and "<answer>" not in after
            )
        )
    return scores
