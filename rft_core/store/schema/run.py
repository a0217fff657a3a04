"""The schema of `run.db`: what one run has recorded. Append only."""

from __future__ import annotations

from rft_core.store.schema.schema import Schema

RUN_SCHEMA = Schema(
    "run",
    {
        "tables": """
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
        """,
        "attempts_sandbox_tier": """
    -- The tier of the sandbox that the attempt was graded under. NULL: no code was run.
    ALTER TABLE attempts ADD COLUMN sandbox_tier TEXT
        """,
        "checkpoints_without_path": """
    -- Where a checkpoint lies follows from its step, and a runs folder can be moved.
    ALTER TABLE checkpoints DROP COLUMN path
        """,
        "stages": """
    -- Methods that a run goes through, on one count of steps. first_step: how many lie before it.
    CREATE TABLE stages (
        stage INTEGER PRIMARY KEY, method TEXT NOT NULL, config TEXT NOT NULL,
        first_step INTEGER NOT NULL, max_steps INTEGER NOT NULL
    )
        """,
        "generation_filters": """
    -- For the filters of a long run. The partial ones hold what is rare, and cost a step nothing.
    CREATE INDEX generations_by_reward ON generations (reward);
    CREATE INDEX generations_flagged ON generations (id) WHERE flags <> '[]';
    CREATE INDEX scores_missing ON scores (generation_id) WHERE score IS NULL
        """,
        "without_stages": """
    -- The stages of a run stand in its settings, and are read there.
    DROP TABLE stages
        """,
        "phases": """
    -- seconds: spent in that phase since step 0, over all lives. See `phase_times.py`.
    CREATE TABLE phases (
        step INTEGER NOT NULL, phase TEXT NOT NULL, seconds REAL NOT NULL,
        PRIMARY KEY (step, phase)
    ) WITHOUT ROWID
        """,
        "progress_of_parts": """
    -- Of what is long and has a known end: so much of it is over since then. NULL elsewhere.
    ALTER TABLE progress ADD COLUMN done REAL;
    ALTER TABLE progress ADD COLUMN total REAL;
    ALTER TABLE progress ADD COLUMN began_at REAL
        """,
        "preflight": """
    -- What was found before the first step, once: a resume keeps it. scored: completions with a
    -- reward, which lie between lowest and highest, NULL without any. report: JSON of `Preflight`.
    CREATE TABLE preflight (
        id INTEGER PRIMARY KEY CHECK (id = 1), time REAL NOT NULL, prompts INTEGER NOT NULL,
        num_generations INTEGER NOT NULL, seconds REAL NOT NULL, scored INTEGER NOT NULL,
        lowest REAL, highest REAL, report TEXT NOT NULL
    )
        """,
        "evidence": """
    -- What shows a score: a text, or a picture as a data URL. Few functions show any.
    CREATE TABLE evidence (
        generation_id INTEGER NOT NULL REFERENCES generations (id) ON DELETE CASCADE,
        name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (generation_id, name)
    ) WITHOUT ROWID
        """,
    },
)
