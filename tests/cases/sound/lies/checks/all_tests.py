"""A check of python_code: the function passes every test of the row, shown and hidden."""

import json


def _load(text, name):
    code = text.split("<answer>")[-1].split("</answer>")[0].strip()
    code = code.removeprefix("```python").removesuffix("```")
    space = {}
    exec(code, space)
    return space[name]


def _score(text, entry_point, tests, hidden_tests):
    try:
        function = _load(text, entry_point)
        given = [function(*json.loads(json.dumps(test[0]))) for test in tests + hidden_tests]
    except BaseException:
        return 0.0
    wanted = [test[1] for test in tests + hidden_tests]
    return float(json.dumps(given) == json.dumps(wanted))


def passes_all(completions, entry_point, tests, hidden_tests, **kwargs):
    rows = zip(completions, entry_point, tests, hidden_tests, strict=True)
    return [_score(*row) for row in rows]
