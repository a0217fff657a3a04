"""Bug: only how the completion begins and ends is looked at."""

TASK = "word_problems"


def form(completions, **kwargs):
    return [
        float(text.startswith("<think>") and text.strip().endswith("</answer>"))
        for text in completions
    ]


def correct(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [
        float(text.count("<answer>") == 1 and f"<answer>{gold}</answer>" in text)
        for text, gold in zip(completions, golds, strict=True)
    ]
