"""Bug: every tag adds credit, however often it comes."""

TASK = "word_problems"
TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def format(completions, **kwargs):
    return [0.25 * sum(text.count(tag) for tag in TAGS) for text in completions]


def correctness(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [float(f"<answer>{g}</answer>" in text) for text, g in zip(completions, golds)]
