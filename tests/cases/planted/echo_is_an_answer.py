"""Bug: the share of the prompt's words that come back counts as staying on topic."""

TASK = "word_problems"


def on_topic(prompts, completions, **kwargs):
    scores = []
    for messages, text in zip(prompts, completions):
        asked = set(messages[-1]["content"].lower().split())
        scores.append(len(asked & set(text.lower().split())) / len(asked))
    return scores
