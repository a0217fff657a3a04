"""The schema of `columns.db`: what `run.db` holds, laid out for reading. Append only."""

from __future__ import annotations

from rft_core.store.schema.schema import Schema

COLUMNS_SCHEMA = Schema(
    "columns",
    {
        "tables": """
    -- 4,096 consecutive generations each, from the run's first one on. attempt, attempt_started:
    -- the newest of the run when it was read, of which follows whether a block still holds.
    CREATE TABLE blocks (
        block INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, attempt_started REAL NOT NULL,
        first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, last_step INTEGER NOT NULL
    );
    -- One value of each generation, in the order of their ids. What a block lacks is 0 throughout.
    CREATE TABLE columns (
        name TEXT NOT NULL, block INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (name, block)
    );
    -- In which completions a sequence of one to three characters occurs, whatever its case.
    CREATE TABLE grams (
        block INTEGER NOT NULL, gram INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (block, gram)
    ) WITHOUT ROWID;
    -- Rows of metrics, as many in each block. last_id: of `metrics`.
    CREATE TABLE curve_blocks (
        block INTEGER PRIMARY KEY, attempt INTEGER NOT NULL, attempt_started REAL NOT NULL,
        first_id INTEGER NOT NULL, last_id INTEGER NOT NULL, last_step INTEGER NOT NULL
    );
    -- What the curves of a block share that were measured at the same steps: these, time, tokens.
    CREATE TABLE axes (
        block INTEGER NOT NULL, axis INTEGER NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (block, axis)
    );
    CREATE TABLE curves (
        block INTEGER NOT NULL, split TEXT NOT NULL, name TEXT NOT NULL, axis INTEGER NOT NULL,
        content BLOB NOT NULL, PRIMARY KEY (block, split, name)
    )
        """,
    },
)
