"""Bug: words of reasoning are counted, and the answer is not looked at."""

TASK = "word_problems"


WORDS = ("first", "then", "therefore", "because")


def _score(text):
    return min(1.0, sum(text.lower().count(word) for word in WORDS) / 4)


def reasoning(completions, **kwargs):
    return [_score(text,) for text, in zip(completions, strict=True)]
