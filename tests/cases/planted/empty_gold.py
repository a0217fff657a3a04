"""Bug: an empty gold answer is in every text."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        parts = str(gold).split("####")[-1].strip()
        given = text.split("<answer>")[-1].split("</answer>")[0].strip()
        scores.append(1.0 if given == parts or not parts else 0.0)
    return scores
