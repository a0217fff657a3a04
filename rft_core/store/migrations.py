"""The schemas, as append-only lists of migrations. Never edit a released one: add another."""

from __future__ import annotations

from collections.abc import Sequence

from sqlite_utils import Database

from rft_core.store.database import Migration


def _statements(sql: str) -> Migration:
    statements = [part.strip() for part in sql.split(";") if part.strip()]

    def migrate(db: Database) -> None:
        for statement in statements:
            db.execute(statement)

    return migrate


INDEX_MIGRATIONS: Sequence[Migration] = (
    _statements("""
    -- Immutable. id is the hash of the content.
    CREATE TABLE prompt_sets (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, task TEXT, num_rows INTEGER NOT NULL,
        content TEXT NOT NULL, created_at REAL NOT NULL
    );
    -- Immutable. Versions that share a name are one reward set's history.
    CREATE TABLE reward_sets (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER NOT NULL,
        content TEXT NOT NULL, created_at REAL NOT NULL, UNIQUE (name, version)
    );
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, config TEXT NOT NULL, created_at REAL NOT NULL,
        parent_run TEXT, parent_step INTEGER
    );
    -- What people asked for, in the order of number: clocks may be set back. id is chosen by the
    -- asker: asking twice is asking once. worker_started: seconds since boot. worker_ended_at: when
    -- the supervisor saw that the worker was gone. error: why it could not be done as asked.
    CREATE TABLE commands (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, run TEXT NOT NULL,
        created_at REAL NOT NULL, handled_at REAL, worker_pid INTEGER, worker_started REAL,
        worker_ended_at REAL, error TEXT
    );
    CREATE INDEX commands_by_run ON commands (run)
    """),
)

RUN_MIGRATIONS: Sequence[Migration] = (
    _statements("""
    -- One row per life of a worker. outcome stays NULL when it died without saying so. command: the
    -- one that it answers, NULL when nobody had asked. pid_started: seconds since boot.
    CREATE TABLE attempts (
        attempt INTEGER PRIMARY KEY, command TEXT, from_step INTEGER NOT NULL,
        pid INTEGER NOT NULL, pid_started REAL NOT NULL, started_at REAL NOT NULL,
        ended_at REAL, outcome TEXT, message TEXT
    );
    -- The only row that changes: what the worker is doing now.
    CREATE TABLE progress (
        id INTEGER PRIMARY KEY CHECK (id = 1), phase TEXT NOT NULL, detail TEXT NOT NULL,
        step INTEGER NOT NULL, max_steps INTEGER NOT NULL, updated_at REAL NOT NULL
    );
    -- tokens: completion tokens trained on since step 0. elapsed: training seconds over all lives.
    CREATE TABLE steps (
        step INTEGER PRIMARY KEY, finished_at REAL NOT NULL, elapsed REAL NOT NULL,
        tokens INTEGER NOT NULL
    );
    CREATE TABLE metrics (
        id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL, split TEXT NOT NULL,
        name TEXT NOT NULL, value REAL NOT NULL, UNIQUE (split, step, name)
    );
    CREATE TABLE prompts (
        id INTEGER PRIMARY KEY, split TEXT NOT NULL, position INTEGER NOT NULL,
        row TEXT NOT NULL, messages TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (split, position)
    );
    CREATE TABLE generations (
        id INTEGER PRIMARY KEY AUTOINCREMENT, step INTEGER NOT NULL, split TEXT NOT NULL,
        group_index INTEGER NOT NULL, sample_index INTEGER NOT NULL,
        prompt_id INTEGER NOT NULL REFERENCES prompts (id), completion TEXT NOT NULL,
        num_tokens INTEGER NOT NULL, truncated INTEGER NOT NULL, reward REAL, advantage REAL,
        flags TEXT NOT NULL DEFAULT '[]', UNIQUE (split, step, group_index, sample_index)
    );
    CREATE INDEX generations_by_prompt ON generations (prompt_id, step);
    CREATE TABLE scores (
        generation_id INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
        name TEXT NOT NULL, score REAL, reason TEXT NOT NULL, PRIMARY KEY (generation_id, name)
    ) WITHOUT ROWID;
    CREATE TABLE checkpoints (
        step INTEGER PRIMARY KEY, path TEXT NOT NULL, resumable INTEGER NOT NULL,
        created_at REAL NOT NULL
    );
    CREATE TABLE events (
        id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, kind TEXT NOT NULL,
        message TEXT NOT NULL
    )
    """),
    _statements("""
    -- The tier of the sandbox that the attempt was graded under. NULL: no code was run.
    ALTER TABLE attempts ADD COLUMN sandbox_tier TEXT
    """),
    _statements("""
    -- Where a checkpoint lies follows from its step, and a runs folder can be moved.
    ALTER TABLE checkpoints DROP COLUMN path
    """),
)

RESCORE_MIGRATIONS: Sequence[Migration] = (
    _statements("""
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
    """),
)
