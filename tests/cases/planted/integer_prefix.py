"""Bug: the answer only has to begin with the gold number."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.split("<answer>")[-1].split("</answer>")[0].strip()
        scores.append(float(given.startswith(str(gold).split("####")[-1].strip())))
    return scores
