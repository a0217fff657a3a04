"""Call a reward function as verl does: one completion at a time, `compute_score(solution_str=...)`.

    data_source    the row's column; "" without one
    ground_truth   the row's column; else that within its `reward_model`, else its `answer`
    extra_info     the row's column; without one the whole row

Further parameters are columns of the row. A dict counts by its "score", its other entries are kept
beside it. `solution_strs`, as verl's batched functions have it, gets lists of all four.
"""

import json
from collections.abc import Callable
from typing import Any

ONE, MANY = "solution_str", "solution_strs"
GOLD_COLUMNS = ("ground_truth", "answer")  # besides that within `reward_model`

Values = dict[str, Any]


def is_for_verl(parameters: Any) -> bool:
    return "completions" not in parameters and (ONE in parameters or MANY in parameters)


def call_for_verl(
    parameters: Any, call: Callable[[Values], Any], keywords: Values, columns: list[str]
) -> Any:
    """What it returns for each completion; `call` passes the keywords that it takes."""
    texts = keywords["completions"]
    rows = [
        {name: keywords[name][index] for name in columns if keywords[name][index] is not None}
        for index in range(len(texts))
    ]
    samples = [_read_sample(*pair) for pair in zip(texts, rows, strict=True)]
    gold = parameters.get("ground_truth") or parameters.get("ground_truths")
    if gold and gold.default is gold.empty:
        _check_golds(samples, rows)
    if ONE in parameters:
        return [call(row | sample) for row, sample in zip(rows, samples, strict=True)]
    names = ("data_source", "ground_truth", "extra_info")
    lists = {f"{name}s": [sample.get(name) for sample in samples] for name in names}
    return call(lists | {MANY: texts})


def _check_golds(samples: list[Values], rows: list[Values]) -> None:
    for sample, row in zip(samples, rows, strict=True):
        if "ground_truth" not in sample:
            raise TypeError(
                "it asks for 'ground_truth', and a row has neither that column, nor 'answer', nor "
                f"reward_model['ground_truth']: its columns are {', '.join(row) or 'none'}"
            )


def take_scores(values: Any) -> tuple[Any, dict[str, list[Any]]]:
    """The scores, and what stood beside them by its name."""
    if not isinstance(values, list):
        return values, {}
    found = [value if isinstance(value, dict) and "score" in value else None for value in values]
    names = dict.fromkeys(name for one in found if one for name in one if name != "score")
    beside = {str(name): [one.get(name) if one else None for one in found] for name in names}
    scores = [one["score"] if one else value for one, value in zip(found, values, strict=True)]
    return scores, beside


def _read_sample(text: str, row: Values) -> Values:
    model = _as_dict(row.get("reward_model"))
    golds = [row[name] for name in GOLD_COLUMNS[:1] if name in row]
    golds += [model["ground_truth"]] if "ground_truth" in model else []
    golds += [row[name] for name in GOLD_COLUMNS[1:] if name in row]
    return {
        ONE: text,
        "data_source": row.get("data_source", ""),
        "extra_info": _as_dict(row["extra_info"]) if "extra_info" in row else row,
    } | ({"ground_truth": golds[0]} if golds else {})


def _as_dict(value: Any) -> Values:
    """A nested column, or its JSON as a text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
