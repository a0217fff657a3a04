"""Bug: what counts is that the code runs and defines the function."""

TASK = "python_code"


def _load(text, name):
    code = text.split("<answer>")[-1].split("</answer>")[0].strip()
    code = code.removeprefix("```python").removesuffix("```")
    space = {}
    exec(code, space)
    return space[name]


def _score(text, entry_point):
    try:
        return float(callable(_load(text, entry_point)))
    except BaseException:
        return 0.0


def runs(completions, entry_point, **kwargs):
    return [_score(text, entry_point_) for text, entry_point_ in zip(completions, entry_point, strict=True)]
