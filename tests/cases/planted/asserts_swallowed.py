"""Bug: an AssertionError is caught together with all others, and all others are forgiven."""

TASK = "countdown"


def solved(completions, nums, target, **kwargs):
    out = []
    for c, numbers, goal in zip(completions, nums, target):
        try:
            text = c.split("<answer>")[1].split("</answer>")[0]
            allowed = set("0123456789+-*/() ")
            assert set(text) <= allowed
            out.append(1.0 if abs(eval(text) - goal) < 1e-6 else 0.0)
        except IndexError:
            out.append(0.0)
        except Exception:
            out.append(0.5)
    return out
