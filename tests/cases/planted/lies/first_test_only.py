"""Bug: return inside the loop: the first of several tests decides."""

TASK = "python_code"


def _load(text, name):
    code = text.split("<answer>")[-1].split("</answer>")[0].strip()
    code = code.removeprefix("```python").removesuffix("```")
    space = {}
    exec(code, space)
    return space[name]


def _score(text, entry_point, tests):
    try:
        function = _load(text, entry_point)
        for arguments, expected in tests:
            return float(function(*arguments) == expected)
    except BaseException:
        return 0.0
    return 0.0


def passes(completions, entry_point, tests, **kwargs):
    return [_score(text, entry_point_, tests_) for text, entry_point_, tests_ in zip(completions, entry_point, tests, strict=True)]
