"""Arguments drawn at random from a row's `inputs`: one description per parameter of the function.

    {"kind": "int", "low": 0, "high": 50}              {"kind": "bool"}
    {"kind": "float", "low": -1, "high": 1}            {"kind": "choice", "of": ["red", "green"]}
    {"kind": "text", "letters": "abc ", "low": 0, "high": 12}
    {"kind": "list", "of": {...}, "low": 0, "high": 9, "sorted": true, "distinct": true}

Bounds belong to the range; for texts and lists they are lengths. The description is the promise
that the function is defined there: outside of it, two right programs may well differ.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

LETTERS = "abcdefghijklmnopqrstuvwxyz"
BOUNDS = {"int": (-20, 20), "float": (-10.0, 10.0), "text": (0, 12), "list": (0, 8)}

Spec = Mapping[str, Any]


def draw_input(rng: random.Random, spec: Spec) -> Any:
    """One argument. Raises `ValueError` for a description that is none."""
    try:
        return _DRAWERS[spec["kind"]](rng, spec)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        kinds = ", ".join(_DRAWERS)
        raise ValueError(f"{spec!r:.80} describes no input; kinds are {kinds}") from error


def describe_input(example: Any) -> dict[str, Any] | None:
    """A description of arguments like this one: of its own parts, and no larger; None of others.

    Numbers are drawn from near it; what has parts keeps their order and difference where it has
    them.
    """
    match example:
        case bool():
            return {"kind": "bool"}
        case int():
            return {"kind": "choice", "of": [example, example + 1, example + 2, 2 * example + 1]}
        case float():
            return {"kind": "choice", "of": [example, example + 0.5, 2 * example]}
        case str() if example:
            letters = "".join(sorted(set(example)))
            return {"kind": "text", "letters": letters, "low": 1, "high": len(example)}
        case list() if example and all(type(item) in (int, float, str) for item in example):
            return {
                "kind": "list", "of": {"kind": "choice", "of": example}, "low": 1,
                "high": len(example), "sorted": len({type(item) for item in example}) == 1
                and sorted(example) == example, "distinct": len(set(example)) == len(example),
            }  # fmt: skip
    return None


def _draw_int(rng: random.Random, spec: Spec) -> int:
    return rng.randint(*_bounds(spec))


def _draw_float(rng: random.Random, spec: Spec) -> float:
    return round(rng.uniform(*_bounds(spec)), 3)  # short enough to be read in a reason


def _draw_text(rng: random.Random, spec: Spec) -> str:
    letters = spec.get("letters", LETTERS)
    return "".join(rng.choice(letters) for _ in range(_draw_int(rng, spec)))


def _draw_list(rng: random.Random, spec: Spec) -> list[Any]:
    items = [draw_input(rng, spec["of"]) for _ in range(_draw_int(rng, spec))]
    if spec.get("distinct"):
        items = list(dict.fromkeys(items))
    return sorted(items) if spec.get("sorted") else items


def _bounds(spec: Spec) -> tuple[Any, Any]:
    low, high = BOUNDS[spec["kind"]]
    return spec.get("low", low), spec.get("high", high)


_DRAWERS: dict[str, Callable[[random.Random, Spec], Any]] = {
    "int": _draw_int,
    "float": _draw_float,
    "bool": lambda rng, spec: rng.random() < 0.5,
    "text": _draw_text,
    "choice": lambda rng, spec: rng.choice(spec["of"]),
    "list": _draw_list,
}
