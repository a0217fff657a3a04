"""Bug: the right letter only has to be among those named."""

TASK = "mathqa"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.split("<answer>")[-1].split("</answer>")[0].lower()
        scores.append(float(gold.lower() in given.replace(",", " ").split()))
    return scores
