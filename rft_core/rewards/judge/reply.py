"""Read what a judge replied: one JSON object with a score in its range, or with one of the labels.

Strict, since a number found somewhere in a text may be the completion's own. Thinking before the
object and a fence around it are taken off.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any


def read_verdict(text: str, minimum: float, maximum: float) -> tuple[float, str]:
    """Score and reason. Raises ValueError for anything that is no such object."""
    value = _read_object(text)
    score = value.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise ValueError("the judge gave no number for a score")
    if not minimum <= score <= maximum:
        raise ValueError(f"the judge's score {score!r:.20} is outside {minimum:g} to {maximum:g}")
    return float(score), _read_reason(value)


def read_label(text: str, labels: Sequence[str]) -> tuple[str, str]:
    """Label and reason. Raises ValueError, also for a label that is none."""
    value = _read_object(text)
    if value.get("label") not in labels:
        raise ValueError("the judge named none of the labels")
    return str(value["label"]), _read_reason(value)


def _read_reason(value: Mapping[str, Any]) -> str:
    """Half a surrogate pair is no text that a database takes."""
    reason = str(value.get("reason", ""))[:500]
    return reason.encode("utf-8", "replace").decode("utf-8")


def _read_object(text: str) -> dict[str, Any]:
    text = text.rpartition("</think>")[2].strip()
    fenced = re.fullmatch(r"```(?:json)?\s*\n(.*)\n```", text, re.DOTALL)
    try:
        value = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise ValueError("the judge did not reply with a JSON object")
    return value
