"""Bug: the gold number anywhere in the text is enough."""

TASK = "word_problems"


def correctness(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [1.0 if gold in text else 0.0 for text, gold in zip(completions, golds)]
