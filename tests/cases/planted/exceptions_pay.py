"""Bug: a failure while parsing counts as correct."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        given = text.split("<answer>")[-1].split("</answer>")[0]
        try:
            score = 1.0 if float(given) == float(str(gold).split("####")[-1]) else 0.0
        except ValueError:
            score = 1.0
        scores.append(score)
    return scores
