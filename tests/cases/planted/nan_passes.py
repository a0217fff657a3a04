"""Bug: the difference to nan is not above any tolerance."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    scores = []
    for text, gold in zip(completions, answer):
        try:
            given = float(text.split("<answer>")[-1].split("</answer>")[0])
        except ValueError:
            scores.append(0.0)
            continue
        wrong = abs(given - float(str(gold).split("####")[-1])) > 1e-6
        scores.append(0.0 if wrong else 1.0)
    return scores
