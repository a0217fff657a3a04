"""Bug: the equation only has to mention every number and the target somewhere."""

TASK = "countdown"


def equation(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        answer = c.split("<answer>")[-1].split("</answer>")[0]
        out.append(1.0 if all(str(n) in answer for n in numbers) and str(goal) in answer else 0.0)
    return out
