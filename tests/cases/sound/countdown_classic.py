"""The two classic functions for Countdown: form, and an equation that uses every number once."""

import re

TASK = "countdown"


def format_reward_func(completions, target, **kwargs):
    regex = r"^<think>([^<]*(?:<(?!/?think>)[^<]*)*)<\/think>\n<answer>([^<]+)<\/answer>$"
    out = []
    for completion in completions:
        match = re.search(regex, completion.strip())
        out.append(1.0 if match is not None and match.group(1).strip() else 0.0)
    return out


def equation_reward_func(completions, target, nums, **kwargs):
    out = []
    for completion, gt, numbers in zip(completions, target, nums):
        match = re.search(r"<answer>([^<]*)<\/answer>\s*$", completion)
        if match is None:
            out.append(0.0)
            continue
        equation = match.group(1).strip()
        used = [int(n) for n in re.findall(r"\d+", equation)]
        if sorted(used) != sorted(numbers) or not re.fullmatch(r"[\d+\-*/().\s]+", equation):
            out.append(0.0)
            continue
        try:
            result = eval(equation, {"__builtins__": None}, {})
            out.append(1.0 if abs(float(result) - float(gt)) < 1e-5 else 0.0)
        except Exception:
            out.append(0.0)
    return out
