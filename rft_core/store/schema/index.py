"""The schema of `index.db`: sets, runs, commands, evaluations and judgements. Append only."""

from __future__ import annotations

from rft_core.store.schema.schema import Schema

INDEX_SCHEMA = Schema(
    "index",
    {
        "tables": """
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
        """,
        "commands_backend": """
    -- What started the worker, and how that backend knows it: opaque to all but the backend.
    ALTER TABLE commands ADD COLUMN backend TEXT NOT NULL DEFAULT 'local';
    ALTER TABLE commands ADD COLUMN handle TEXT
        """,
        "deleted_runs": """
    -- What was deleted, so that a request that comes too late is refused. folder_removed: 0 while
    -- its files are still there.
    CREATE TABLE deleted_runs (
        id TEXT PRIMARY KEY, deleted_at REAL NOT NULL, folder_removed INTEGER NOT NULL DEFAULT 0
    )
        """,
        "evaluations": """
    -- Samples of one model on one set of prompts with their verdicts. id: the hash of all they
    -- depend on (model and adapter content, prompts, rows, sampling, judge) but how many there are.
    -- run NULL: the base model. step NULL: a finished adapter. content: JSON, see `evaluations`.
    CREATE TABLE evaluations (
        id TEXT PRIMARY KEY, run TEXT, step INTEGER, task TEXT NOT NULL,
        num_prompts INTEGER NOT NULL, k INTEGER NOT NULL, seed INTEGER NOT NULL,
        settings TEXT NOT NULL, judge TEXT NOT NULL,
        content TEXT NOT NULL, created_at REAL NOT NULL
    );
    -- What was asked for last, newest last, so that it can be shown again. request: JSON.
    CREATE TABLE evaluation_requests (
        number INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE, created_at REAL NOT NULL
    )
        """,
        "sets": """
    -- Content-addressed and immutable: id is the hash of the content. Versions that share a kind
    -- and a name are one set's history. task, num_rows: of what has them.
    CREATE TABLE sets (
        kind TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, version INTEGER NOT NULL,
        task TEXT, num_rows INTEGER, content TEXT NOT NULL, created_at REAL NOT NULL,
        PRIMARY KEY (kind, id), UNIQUE (kind, name, version)
    );
    INSERT INTO sets (kind, id, name, version, task, num_rows, content, created_at)
        SELECT 'prompts', id, name,
            row_number() OVER (PARTITION BY name ORDER BY created_at, rowid),
            task, num_rows, content, created_at
        FROM prompt_sets;
    INSERT INTO sets (kind, id, name, version, content, created_at)
        SELECT 'rewards', id, name, version, content, created_at FROM reward_sets;
    DROP TABLE prompt_sets;
    DROP TABLE reward_sets
        """,
        "evaluation_records": """
    -- seconds: what sampling took, the loading of the model left out. NULL: of before.
    ALTER TABLE evaluations ADD COLUMN seconds REAL;
    -- What a scorer (known by the hash of what it depends on) said of an evaluation's samples.
    CREATE TABLE evaluation_scores (
        evaluation TEXT NOT NULL, scorer TEXT NOT NULL, content TEXT NOT NULL,
        PRIMARY KEY (evaluation, scorer)
    );
    -- Evaluations to be opened again, newest last. content: JSON, see `evaluation/records.py`. It
    -- takes the place of requests, which said what to do again but not what had been found.
    CREATE TABLE evaluation_records (
        number INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE,
        created_at REAL NOT NULL
    );
    DROP TABLE evaluation_requests
        """,
        "judgements": """
    -- What people said of answers, as they said it: pairs are derived, never stored in its place.
    -- id is chosen by the asker: saving twice is saving once. run: whose prompts were asked, if a
    -- run's. shown: JSON of messages, answers in the order shown, and sampling. ranks: JSON, the
    -- place of each answer shown, equal places for ties; NULL: skipped. rest_equal: the last place
    -- was given to all the rest at once. repeats: the judgement whose answers were shown again.
    -- undone_at: it was taken back.
    CREATE TABLE judgements (
        number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, who TEXT NOT NULL,
        created_at REAL NOT NULL, seconds REAL NOT NULL, run TEXT, shown TEXT NOT NULL,
        ranks TEXT, rest_equal INTEGER NOT NULL, repeats TEXT, undone_at REAL
    );
    CREATE INDEX judgements_by_who ON judgements (who, run)
        """,
        "drafts": """
    -- Work on a page that is no stored version yet, so that a reload does not lose it. id: named in
    -- the page's address. who: whose it is. content: JSON, read by the page that wrote it.
    CREATE TABLE drafts (
        id TEXT PRIMARY KEY, who TEXT NOT NULL, kind TEXT NOT NULL, content TEXT NOT NULL,
        updated_at REAL NOT NULL
    );
    CREATE INDEX drafts_by_who ON drafts (who, kind, updated_at)
        """,
        "run_labels": """
    -- What people say of runs, so that many can be found again. tags: JSON, sorted. archived_at
    -- NULL: it is not put aside.
    CREATE TABLE run_labels (
        run TEXT PRIMARY KEY, tags TEXT NOT NULL DEFAULT '[]', archived_at REAL
    );
    -- What an ended run has recorded, in short, so that a list of hundreds opens no database of
    -- theirs. look: of the file that it was read from; with another one it is out of date. content:
    -- JSON, see `store/listing/digests.py`. It can be thrown away at any time.
    CREATE TABLE run_digests (run TEXT PRIMARY KEY, look TEXT NOT NULL, content TEXT NOT NULL)
        """,
        "commands_open": """
    -- What the supervisor looks at, many times a second: it must not grow with what was done.
    CREATE INDEX commands_open ON commands (run) WHERE handled_at IS NULL OR
        (worker_ended_at IS NULL AND (handle IS NOT NULL OR worker_pid IS NOT NULL))
        """,
    },
)
