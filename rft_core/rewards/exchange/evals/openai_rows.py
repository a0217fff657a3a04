"""The rows of an OpenAI eval: `item` objects, from the run's file content or a file of their own.

Known are `{"item": {...}}` on each line, as uploads have it, the items of a finished run
(`datasource_item`), and plain objects. The eval's `item_schema` is held to in its required names
and its types; patterns and other rules of it are not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.errors import quote
from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
from rft_core.types import Row

ROW_KEYS = ("item", "datasource_item")
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: type(value) is int,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}


@dataclass(frozen=True)
class FoundRecords:
    """Records as a file has them, and where that list stands: `data_source.source.content`."""

    records: tuple[Any, ...]
    path: str


def read_rows(found: FoundRecords, schema: Any, findings: EvalFindings) -> tuple[Row, ...]:
    """The rows that are what the eval's schema says; the others are named."""
    key = next((k for k in ROW_KEYS if any(_has(one, k) for one in found.records)), "")
    rows: list[Row] = []
    has_samples = False
    for number, record in enumerate(found.records):
        path = f"{found.path}[{number}]"
        item = record.get(key) if key and isinstance(record, Mapping) else record
        where = f"{path}.{key}" if key else path
        if not isinstance(item, Mapping) or not item:
            findings.leave(where, "it is no object with the row's values. Write it as one")
            continue
        if problem := _find_misfit(item, schema):
            findings.leave(f"{where}.{problem}", "Mend the row, or the eval's item_schema")
            continue
        has_samples = has_samples or (_has(record, "sample") and bool(key))
        rows.append(dict(item))
    if has_samples:
        findings.remark(
            f"'{found.path}[…].sample' was left out: the model that is trained answers itself."
        )
    return tuple(rows)


def find_item_schema(config: Any) -> Any:
    """`item_schema`, as an eval is created, or the item's part of `schema`, as it is returned."""
    if not isinstance(config, Mapping):
        return None
    whole = config.get("schema")
    properties = whole.get("properties") if isinstance(whole, Mapping) else None
    in_whole = properties.get("item") if isinstance(properties, Mapping) else None
    return config.get("item_schema") or in_whole


def has_path(row: Row, path: Sequence[str | int]) -> bool:
    value: Any = row
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _has(record: Any, key: str) -> bool:
    return isinstance(record, Mapping) and isinstance(record.get(key), Mapping)


def _find_misfit(item: Mapping[str, Any], schema: Any) -> str:
    """The name and what is wrong with its value; "" where the row fits."""
    if not isinstance(schema, Mapping):
        return ""
    required, properties = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else []:
        if name not in item:
            return f"{name}: it is missing, and the eval's item_schema requires it."
    for name, rule in (properties if isinstance(properties, Mapping) else {}).items():
        kinds = rule.get("type") if isinstance(rule, Mapping) else None
        kinds = kinds if isinstance(kinds, list) else [kinds]
        checks = [TYPES[kind] for kind in kinds if isinstance(kind, str) and kind in TYPES]
        if name in item and checks and not any(check(item[name]) for check in checks):
            wanted = " or ".join(map(str, kinds))
            return f"{name}: {quote(item[name])} is no {wanted}, which item_schema asks for."
    return ""
