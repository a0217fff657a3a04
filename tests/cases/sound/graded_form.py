"""Form in quarters, each tag once and in its place; correctness whole."""

TASK = "gsm8k"
WEIGHTS = {"form": 0.4}
TAGS = ("<think>", "</think>", "<answer>", "</answer>")


def form(completions, **kwargs):
    out = []
    for c in completions:
        text, score, position = c.strip(), 0.0, -1
        for tag in TAGS:
            if text.count(tag) != 1 or text.find(tag) < position:
                break
            position = text.find(tag)
            score += 0.25
        if not text.startswith(TAGS[0]) or not text.endswith(TAGS[-1]):
            score = min(score, 0.25)
        out.append(score)
    return out


def right(completions, answer, **kwargs):
    out = []
    for c, a in zip(completions, answer):
        ok = all(c.count(tag) == 1 for tag in TAGS)
        inner = c.partition("<answer>")[2].partition("</answer>")[0].strip()
        out.append(float(ok and inner == a.split("####")[-1].strip()))
    return out
