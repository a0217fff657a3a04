"""JSON that a JSON Schema accepts (draft 2020-12): 1, or with `partial` a share of its parts.

The JSON is taken strictly: the only <answer> block, the only fenced block, or the whole completion.
Partial credit is 1 - violated parts / parts, where parts are the properties that the schema names
and a value of the wrong kind altogether earns nothing. A schema says what the form is, not whether
the content is true; one that allows `{}` pays for `{}`. Schemas may hold patterns, so the check
runs in the child. Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import json
from dataclasses import replace

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from rft_core.errors import BadInputError
from rft_core.rewards.child_source import make_child_entry
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.grader_info import TEXT_EXTRACTION, GraderInfo, GraderOption

MODULES = ("child_grading", "completion_text", "structured.schema_child")
SECONDS = 0.5  # for one completion


def make_schema_entry(entry: RewardEntry) -> RewardEntry:
    """The entry that checks in the child. Raises `BadInputError` for a schema that is none."""
    options = SCHEMA.with_defaults(entry)
    if options["schema"]:
        try:
            schema = json.loads(options["schema"])
            Draft202012Validator.check_schema(schema)
        except (ValueError, SchemaError, RecursionError) as error:
            raise BadInputError(
                f"The schema of '{entry.name}' cannot be used", str(error)[:300], "Mend the schema"
            ) from error
    return make_child_entry(entry, MODULES, options | {"seconds": SECONDS})


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
    make_entry=make_schema_entry,
    seconds_each=SECONDS,
)
