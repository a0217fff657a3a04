"""The schema of `rescores.db`: what other rewards would have given. Append only."""

from __future__ import annotations

from rft_core.store.schema.schema import Schema

RESCORES_SCHEMA = Schema(
    "rescores",
    {
        "tables": """
    -- One row per reward set. attempt counts the processes that worked on it, pid is the newest.
    -- outcome is NULL while it works, and stays so when it dies without saying why.
    CREATE TABLE rescores (
        reward_set TEXT PRIMARY KEY, attempt INTEGER NOT NULL, pid INTEGER NOT NULL,
        pid_started REAL NOT NULL, updated_at REAL NOT NULL, done INTEGER NOT NULL,
        total INTEGER NOT NULL, outcome TEXT, message TEXT NOT NULL
    );
    -- last_generation: of the run. A step that was made again has a newer one. From generations on
    -- they are counts: see `rescores.Tally`.
    CREATE TABLE steps (
        reward_set TEXT NOT NULL, split TEXT NOT NULL, step INTEGER NOT NULL,
        last_generation INTEGER NOT NULL, elapsed REAL NOT NULL, tokens INTEGER NOT NULL,
        scored_at REAL NOT NULL, generations INTEGER NOT NULL, unscored INTEGER NOT NULL,
        flagged INTEGER NOT NULL, compared INTEGER NOT NULL, encouraged INTEGER NOT NULL,
        discouraged INTEGER NOT NULL, groups INTEGER NOT NULL, woken INTEGER NOT NULL,
        silenced INTEGER NOT NULL,
        PRIMARY KEY (reward_set, split, step)
    ) WITHOUT ROWID;
    CREATE TABLE metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT, reward_set TEXT NOT NULL, split TEXT NOT NULL,
        step INTEGER NOT NULL, name TEXT NOT NULL, value REAL NOT NULL,
        UNIQUE (reward_set, split, step, name)
    )
        """,
    },
)
