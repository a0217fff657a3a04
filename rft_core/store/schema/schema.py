"""Schema: a database's append-only migrations, which of them it has, and whether we can read it.

Migrations are known by name (`sqlite_utils.Migrations`). Databases made before names were kept
counted theirs in `PRAGMA user_version`: a count of N means the first N. The count is still written,
so that those older versions refuse a newer database instead of misreading it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

from rft_core.errors import NewerDatabaseError
from rft_core.store.sqlite.without_pandas import Database, Migrations

_NAMES_TABLE = Migrations.migrations_table


class Schema(Migrations):
    """`migrations`: SQL by name, in order. Never edit a released one: add another at the end."""

    def __init__(self, name: str, migrations: Mapping[str, str]) -> None:
        super().__init__(name)
        self.names = tuple(migrations)
        for migration, sql in migrations.items():
            self(name=migration)(_make_step(sql))

    def list_missing(self, db: Database) -> list[str]:
        """The migrations that `db` has yet to get; all of them when it is new.

        Raises `NewerDatabaseError` when it has one that this version does not know.
        """
        applied = self._read_applied(db)
        unknown = [name for name in applied if name not in self.names]
        if unknown or _get_count(db) > len(self.names):
            raise NewerDatabaseError(
                f"The {self.name} database was written by a newer version of RFT Studio",
                f"This version does not know its change '{unknown[0]}'"
                if unknown
                else f"It is at schema {_get_count(db)}, this version knows {len(self.names)}",
                "Update RFT Studio, or choose another folder with RFT_RUNS_DIR",
            )
        return [name for name in self.names if name not in applied]

    def migrate(self, db: Database) -> None:
        """Apply what is missing. Call it inside a transaction that may write."""
        if not self.list_missing(db):
            return
        counted = self._read_applied(db)
        self.ensure_migrations_table(db)
        db.conn.executemany(
            f"INSERT OR IGNORE INTO {_NAMES_TABLE} (migration_set, name, applied_at) "
            "VALUES (?, ?, 'counted by user_version')",
            [(self.name, name) for name in counted],
        )
        self.apply(db)
        db.execute(f"PRAGMA user_version = {len(self.names)}")

    def _read_applied(self, db: Database) -> list[str]:
        has_names = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        if not db.execute(has_names, [_NAMES_TABLE]).fetchone():
            return list(self.names[: _get_count(db)])
        sql = f"SELECT name FROM {_NAMES_TABLE} WHERE migration_set = ? ORDER BY rowid"
        return [row[0] for row in db.execute(sql, [self.name])]


def _make_step(sql: str) -> Callable[[Database], None]:
    def migrate(db: Database) -> None:
        for statement in _split(sql):
            db.conn.execute(statement)

    return migrate


def _split(sql: str) -> list[str]:
    """Whole statements; a `;` inside a comment or a trigger ends none."""
    statements, current = [], ""
    for piece in sql.split(";"):
        current += piece + ";"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return [*statements, current]  # what is left ends in a comment


def _get_count(db: Database) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
