"""Message lists instead of texts, as TRL gives them for chat models."""

import re

TASK = "word_problems"
CONVERSATIONAL = True


def correctness(prompts, completions, answer, **kwargs):
    texts = [completion[0]["content"] for completion in completions]
    given = [re.search(r"<answer>\s*(\S+)\s*</answer>\s*$", text) for text in texts]
    golds = [str(a).split("####")[-1].strip() for a in answer]
    return [2.0 if g and g.group(1) == gold else 0.0 for g, gold in zip(given, golds)]
