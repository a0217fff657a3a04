"""Right or wrong, less a growing penalty beyond 800 characters."""

TASK = "word_problems"


def correct(completions, answer, **kwargs):
    golds = [str(a).split("####")[-1].strip() for a in answer]
    given = [
        t.split("<answer>")[1].split("</answer>")[0].strip() if t.count("<answer>") == 1 else ""
        for t in completions
    ]
    return [float(one == gold) if one else 0.0 for one, gold in zip(given, golds)]


def overlong(completions, **kwargs):
    return [-min(1.0, max(0, len(text) - 800) / 400) for text in completions]
