"""Bug: domain words are taken for a good explanation."""

TASK = "word_problems"


def explanation(completions, **kwargs):
    wanted = ("multiply", "total", "boxes", "each")
    return [sum(word in text.lower() for word in wanted) / len(wanted) for text in completions]
