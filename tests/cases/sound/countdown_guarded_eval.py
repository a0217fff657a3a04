"""Countdown as in many notebooks: eval behind a list of allowed characters."""

import re

TASK = "countdown"


def format_reward(completions, **kwargs):
    form = r"^<think>([^<]*(?:<(?!/?think>)[^<]*)*)<\/think>\n<answer>([\s\S]*?)<\/answer>$"
    return [1.0 if (m := re.search(form, c)) and len(m.groups()) == 2 else 0.0 for c in completions]


def equation_reward(completions, target, nums, **kwargs):
    scores = []
    for completion, goal, numbers in zip(completions, target, nums):
        try:
            equation = re.search(r"<answer>(.*?)<\/answer>", completion)[1].strip()
            used = [int(n) for n in re.findall(r"\d+", equation)]
            if sorted(used) != sorted(numbers) or not re.match(r"^[\d+\-*/().\s]+$", equation):
                scores.append(0.0)
                continue
            result = eval(equation, {"__builtins__": None}, {})
            scores.append(1.0 if abs(float(result) - float(goal)) < 1e-5 else 0.0)
        except Exception:
            scores.append(0.0)
    return scores
