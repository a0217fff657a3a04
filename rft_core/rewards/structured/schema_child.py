"""The child's side of `schema.py`: patterns in a schema can run for ever, so they run here.

References to other documents are never fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from rft_core.rewards.child_grading import OutOfTimeError, Verdict, grade_each, time_limit
from rft_core.rewards.completion_text import EXTRACTIONS, parse_strict_json, without_fence

OPTIONS: dict[str, Any] = {}  # filled by the child: schema, column, extraction, partial, seconds
LONGEST_TEXT = 100_000
DEEPEST = 40  # how deep properties of a schema are counted


class RowProblem(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The row cannot be used: the completion stays unscored."""


class WrongAnswer(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The completion holds no JSON at all."""


def grade(completions: list[str], log_extra: Any, **columns: list[Any]) -> list[float | None]:
    return grade_each(_grade_in_time, completions, columns.get(OPTIONS["column"]), log_extra)


def _grade_in_time(completion: str, in_row: Any) -> Verdict:
    try:
        with time_limit(OPTIONS["seconds"]):
            return _grade_one(completion, OPTIONS["schema"] or in_row)
    except OutOfTimeError:
        reason = f"The schema took longer than {OPTIONS['seconds']} s to check."
        return None, reason, "slow_pattern"


def _grade_one(completion: str, wanted: Any) -> Verdict:
    try:
        schema = _read_schema(wanted)
        value = _read_value(completion)
        errors = list(Draft202012Validator(schema, registry=Registry()).iter_errors(value))
        return _judge(errors, schema)
    except RowProblem as problem:
        return None, str(problem), ""
    except Unresolvable as error:
        return None, f"The schema refers to what is not in it: {str(error)[:200]}", ""
    except WrongAnswer as problem:
        return 0.0, str(problem), ""
    except RecursionError:
        return 0.0, "It is nested too deeply.", ""


def _read_schema(wanted: Any) -> dict[str, Any]:
    try:
        schema = json.loads(wanted) if isinstance(wanted, str) else wanted
        if not isinstance(schema, dict):
            raise RowProblem(f"The row has no JSON schema in '{OPTIONS['column']}'.")
        Draft202012Validator.check_schema(schema)
    except (ValueError, SchemaError, RecursionError) as error:
        raise RowProblem(f"The schema is not valid: {str(error)[:200]}") from error
    return schema


def _read_value(completion: str) -> Any:
    if len(completion) > LONGEST_TEXT:
        raise WrongAnswer(f"The completion has {len(completion):,} characters, too many to check.")
    found = EXTRACTIONS[OPTIONS["extraction"]](completion)
    if found.text is None:
        raise WrongAnswer(found.problem)
    try:
        return parse_strict_json(without_fence(found.text))
    except (ValueError, RecursionError) as error:
        problem = str(error)[:200] or type(error).__name__
        raise WrongAnswer(f"It is not JSON: {problem}.") from error


def _judge(errors: list[ValidationError], schema: dict[str, Any]) -> Verdict:
    if not errors:
        return 1.0, "It is what the schema asks for.", ""
    violated = {part for error in errors for part in _violated_parts(error)}
    first = f"{errors[0].json_path}: {errors[0].message}"[:200]
    if not OPTIONS["partial"] or () in violated:
        return 0.0, f"{first}.", ""
    total = max(sum(1 for _ in _parts(schema)), 1)
    score = max(0.0, 1 - len(violated) / total)
    return score, f"{len(violated)} of {total} parts are not as asked, first {first}.", ""


def _violated_parts(error: ValidationError) -> list[tuple[Any, ...]]:
    """Where it went wrong; () means the value as a whole. Items of a list are one part."""
    path = tuple("[]" if isinstance(step, int) else step for step in error.absolute_path)
    value: Any = error.instance
    rule: Any = error.validator_value
    if error.validator == "required":
        return [(*path, name) for name in rule if name not in value]
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        return [(*path, name) for name in value if name not in known]
    return [path]


def _parts(schema: Any, depth: int = 0) -> Iterator[str]:
    """The named properties of a schema, at every level: what partial credit is a share of."""
    if not isinstance(schema, dict) or depth > DEEPEST:
        return
    properties = schema.get("properties")
    for name, inner in (properties if isinstance(properties, dict) else {}).items():
        yield name
        yield from _parts(inner, depth + 1)
    yield from _parts(schema.get("items"), depth + 1)
