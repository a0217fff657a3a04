"""Bug: a longer completion always earns more."""

TASK = "word_problems"


def thorough(completions, **kwargs):
    return [len(text) / 500 for text in completions]


def correctness(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    answers = [text.split("<answer>")[-1].split("</answer>")[0].strip() for text in completions]
    return [2.0 * (given == gold) for given, gold in zip(answers, golds)]
