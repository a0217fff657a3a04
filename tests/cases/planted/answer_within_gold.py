"""Bug: the comparison is the wrong way round, so that an empty answer is in the gold."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.split("<answer>")[-1].split("</answer>")[0].strip()
        scores.append(1.0 if given in str(gold) else 0.0)
    return scores
