"""JSON that a JSON Schema accepts (draft 2020-12): 1, or with `partial` a share of its parts.

The JSON is taken strictly: the only <answer> block, the only fenced block, or the whole completion.
Partial credit is 1 - violated parts / parts, where parts are the properties that the schema names
and a value of the wrong kind altogether earns nothing. A schema says what the form is, not whether
the content is true; one that allows `{}` pays for `{}`. Schemas may hold patterns, so the check
runs in the jail; references to other documents are never fetched.
Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from rft_core.errors import BadInputError
from rft_core.rewards.completion_text import EXTRACTIONS, parse_strict_json, without_fence
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.grader_info import TEXT_EXTRACTION, GraderInfo, GraderOption, JailedGrading
from rft_core.rewards.jailed.grading import (
    GradeTuple,
    Options,
    OutOfTimeError,
    grade_each,
    time_limit,
)

SECONDS = 0.5  # for one completion
LONGEST_TEXT = 100_000
DEEPEST = 40  # how deep properties of a schema are counted


def check_schema(entry: RewardEntry) -> None:
    """Raise `BadInputError` for a schema that is none."""
    if schema := entry.options.get("schema"):
        try:
            Draft202012Validator.check_schema(json.loads(schema))
        except (ValueError, SchemaError, RecursionError) as error:
            raise BadInputError(
                f"The schema of '{entry.name}' cannot be used", str(error)[:300], "Mend the schema"
            ) from error


class RowProblem(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The row cannot be used: the completion stays unscored."""


class InvalidJson(Exception):  # noqa: N818 -- a verdict, not a fault of the program
    """The completion holds no JSON at all."""


def grade_batch(batch: str, options: Options) -> list[GradeTuple]:
    """From within the jail."""
    return grade_each(grade_one, batch, options)


def grade_one(completion: str, in_row: Any, options: Options) -> GradeTuple:
    try:
        with time_limit(SECONDS):
            return _grade_in_time(completion, options["schema"] or in_row, options)
    except OutOfTimeError:
        return None, f"The schema took longer than {SECONDS} s to check.", "slow_pattern"


def _grade_in_time(completion: str, wanted: Any, options: Options) -> GradeTuple:
    try:
        schema = _read_schema(wanted, options)
        value = _read_value(completion, options)
        errors = list(Draft202012Validator(schema, registry=Registry()).iter_errors(value))
        return _judge(errors, schema, options)
    except RowProblem as problem:
        return None, str(problem), ""
    except Unresolvable as error:
        return None, f"The schema refers to what is not in it: {str(error)[:200]}", ""
    except InvalidJson as problem:
        return 0.0, str(problem), ""
    except RecursionError:
        return 0.0, "It is nested too deeply.", ""


def _read_schema(wanted: Any, options: Options) -> dict[str, Any]:
    try:
        schema = json.loads(wanted) if isinstance(wanted, str) else wanted
        if not isinstance(schema, dict):
            raise RowProblem(f"The row has no JSON schema in '{options['column']}'.")
        Draft202012Validator.check_schema(schema)
    except (ValueError, SchemaError, RecursionError) as error:
        raise RowProblem(f"The schema is not valid: {str(error)[:200]}") from error
    return schema


def _read_value(completion: str, options: Options) -> Any:
    if len(completion) > LONGEST_TEXT:
        raise InvalidJson(f"The completion has {len(completion):,} characters, too many to check.")
    found = EXTRACTIONS[options["extraction"]](completion)
    if found.text is None:
        raise InvalidJson(found.problem)
    try:
        return parse_strict_json(without_fence(found.text))
    except (ValueError, RecursionError) as error:
        problem = str(error)[:200] or type(error).__name__
        raise InvalidJson(f"It is not JSON: {problem}.") from error


def _judge(errors: list[ValidationError], schema: dict[str, Any], options: Options) -> GradeTuple:
    if not errors:
        return 1.0, "It is what the schema asks for.", ""
    violated = {part for error in errors for part in _violated_parts(error)}
    first = f"{errors[0].json_path}: {errors[0].message}"[:200]
    if not options["partial"] or () in violated:
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


SCHEMA = GraderInfo(
    "schema",
    None,
    "1 if the completion holds JSON that a JSON Schema accepts.",
    (
        GraderOption("schema", "text", "", "The JSON Schema; empty: taken from each row."),
        GraderOption("column", "text", "schema", "Column that holds the row's schema."),
        replace(TEXT_EXTRACTION, help="Where the JSON stands."),
        GraderOption("partial", "bool", False, "Credit for the share of parts that are right."),
    ),
    jailed=JailedGrading(__name__, SECONDS),
    check=check_schema,
)
