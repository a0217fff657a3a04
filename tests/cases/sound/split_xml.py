"""The usual split on the tags, last block, as text."""

TASK = "gsm8k"


def _extract(text):
    return text.split("<answer>")[-1].split("</answer>")[0].strip()


def correctness_reward(prompts, completions, answer, **kwargs):
    golds = [a.split("####")[1].strip().replace(",", "") for a in answer]
    return [2.0 if _extract(c) == g else 0.0 for c, g in zip(completions, golds)]
