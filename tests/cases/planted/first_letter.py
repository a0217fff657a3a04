"""Bug: only the first letter of the answer is read."""

TASK = "mathqa"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.split("<answer>")[-1].strip().lower()
        scores.append(1.0 if given[:1] == gold[:1].lower() else 0.0)
    return scores
