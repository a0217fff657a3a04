"""Which stored completions show a finding: three of the newest steps, by what the finding is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rft_core.diagnosis.finding import Finding
from rft_core.store.sqlite.without_pandas import Database

SHOWN = 3
LOOKED_BACK = 50  # steps: what is recent is found at once, what is not is not looked for in all
# Conditions and orders over `generations g` of a step. Of all others the best and the worst.
CONDITIONS: Mapping[str, str] = {
    "truncated": "g.truncated = 1",
    "hacking": "g.flags <> '[]'",
    "unscored": "g.id IN (SELECT generation_id FROM scores WHERE score IS NULL AND name = :where)",
}
ORDERS: Mapping[str, str] = {
    "length_drift": "g.num_tokens DESC",
    "truncated": "g.num_tokens DESC",
    "hacking": "g.reward DESC",
    "identical": "g.group_index, g.sample_index",
    "no_variance": "g.group_index, g.sample_index",
    "all_wrong": "g.reward, g.group_index",
    "all_right": "g.reward DESC, g.group_index",
    "collapse": "g.reward, g.id",
    "validation_gap": "g.reward, g.id",
}
OF_VALIDATION = {"validation_gap"}


def with_generations(db: Database, finding: Finding) -> Finding:
    """The finding with the ids of what shows it; as it was where nothing has been sampled."""
    split = "validation" if finding.kind in OF_VALIDATION else "train"
    ids = _list(db, finding, split)
    return replace(finding, generations=tuple(ids)) if ids else finding


def _list(db: Database, finding: Finding, split: str) -> list[int]:
    condition = CONDITIONS.get(finding.kind, "1")
    order = ORDERS.get(finding.kind, "g.reward DESC, g.id")
    values = {"where": finding.where, "split": split, "shown": SHOWN}
    newest = db.execute("SELECT max(step) FROM generations WHERE split = ?", [split]).fetchone()[0]
    if newest is None:
        return _list(db, finding, "validation") if split == "train" else []
    found: list[int] = []
    step = int(newest)
    while step > max(newest - LOOKED_BACK, -1) and len(found) < SHOWN:
        sql = (
            f"SELECT g.id FROM generations g WHERE g.split = :split AND g.step = :step "
            f"AND {condition} ORDER BY {order} LIMIT :shown"
        )
        found += [id for (id,) in db.execute(sql, {**values, "step": step})]
        step -= 1
    return found[:SHOWN]
