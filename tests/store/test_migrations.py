"""Databases of earlier versions become today's with their data intact; newer ones are refused."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from rft_core.config import make_config
from rft_core.errors import NewerDatabaseError
from rft_core.paths import (
    PROJECT_ROOT,
    get_index_path,
    get_rescores_path,
    get_run_db_path,
    get_worker_lock_path,
)
from rft_core.store.commands import add_command, list_commands
from rft_core.store.generations import count_generations
from rft_core.store.index import open_index
from rft_core.store.rescores import RescoreWriter, list_rescores
from rft_core.store.run_reader import list_attempts, list_checkpoints, open_run
from rft_core.store.run_writer import RunWriter, StepRecord
from rft_core.store.runs import add_run, list_runs
from rft_core.store.schema.index import INDEX_SCHEMA
from rft_core.store.schema.rescores import RESCORES_SCHEMA
from rft_core.store.schema.run import RUN_SCHEMA
from rft_core.store.schema.schema import Schema
from rft_core.store.sets import ensure_set, get_set, list_sets
from rft_core.store.sqlite.database import open_for_reading, open_for_writing
from rft_core.store.state.run_lock import FileLock

OLD = PROJECT_ROOT / "tests" / "cases" / "databases"  # made by the code of commit 013e705
RUN = "countdown-20261128-1613-4fa0"
DATABASES = [
    (get_index_path(Path()), INDEX_SCHEMA),
    (get_run_db_path(Path(), RUN), RUN_SCHEMA),
    (get_rescores_path(Path(), RUN), RESCORES_SCHEMA),
]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return Path(shutil.copytree(OLD, tmp_path / "old"))


def read_all(path: Path) -> dict[str, list[dict[str, object]]]:
    """Every row of every table, by column."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {table: [dict(row) for row in db.execute(f"SELECT * FROM {table}")] for table in tables}
    db.close()
    return found


def read_shape(path: Path) -> dict[str, set[str]]:
    db = sqlite3.connect(path)
    tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    shape = {t: {row[1] for row in db.execute(f"PRAGMA table_info({t})")} for t in tables}
    indexes = db.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall()
    db.close()
    return shape | {"indexes": {name for (name,) in indexes}}


@pytest.mark.parametrize(("place", "schema"), DATABASES, ids=lambda v: str(v)[:9])
def test_an_old_database_gets_todays_schema_and_keeps_its_data(
    tmp_path: Path, old: Path, place: Path, schema: Schema
) -> None:
    before = read_all(old / place)
    open_for_writing(old / place, schema).close()
    open_for_writing(tmp_path / "new.db", schema).close()
    after = read_all(old / place)
    old_shape, new_shape = read_shape(old / place), read_shape(tmp_path / "new.db")
    names = new_shape.pop("_sqlite_migrations")
    new_shape["indexes"] = {i for i in new_shape["indexes"] if "_sqlite_migrations" not in i}
    old_shape["indexes"] = {i for i in old_shape["indexes"] if "_sqlite_migrations" not in i}
    assert old_shape.pop("_sqlite_migrations", names) == names
    assert old_shape == new_shape
    assert sum(map(len, before.values())) > 0
    moved = {f"{kind[:-1]}_sets": kind for kind in ("prompts", "rewards")}  # now one table of both
    for table, kind in moved.items():
        if table in before:
            after[table] = [row for row in after["sets"] if row["kind"] == kind]
    for table, rows in before.items():
        kept = [{k: row[k] for k in rows[0]} for row in after[table]] if rows else after[table]
        assert kept == rows, table


def test_an_old_run_is_read_resumed_and_rescored(old: Path) -> None:
    with open_index(old) as index:
        assert [run.id for run in list_runs(index)] == [RUN]
        assert [(c.kind, c.backend) for c in list_commands(index)] == [("launch", "local")]
        add_run(index, id="new", config=make_config({}), launch_id="click")
        assert add_command(index, id="again", kind="resume", run=RUN)
    with open_run(old, RUN) as db:
        assert count_generations(db) == 16
        assert [c.step for c in list_checkpoints(db)] == [2, 3]
    writer = RunWriter(old, RUN)
    writer.start_attempt(from_step=2, pid=1)
    writer.record_step(StepRecord(3, "train", {"reward": 1.0}), max_steps=3)
    writer.close()
    with open_run(old, RUN) as db:
        assert [a.from_step for a in list_attempts(db)] == [0, 2]
    assert [r.outcome for r in list_rescores(old, RUN)] == ["finished"]
    RescoreWriter(old, RUN, "other").close()


def undo_tier(path: Path) -> None:
    """A run's database as it was before the second migration."""
    db = sqlite3.connect(path)
    db.executescript(
        "ALTER TABLE attempts DROP COLUMN sandbox_tier;"
        "ALTER TABLE checkpoints ADD COLUMN path TEXT NOT NULL DEFAULT '';"
        "PRAGMA user_version = 1; PRAGMA journal_mode = DELETE"
    )
    db.close()


def test_the_first_migrations_of_a_counted_database_are_not_applied_again(old: Path) -> None:
    undo_tier(get_run_db_path(old, RUN))
    with open_run(old, RUN) as reader:
        assert [a.sandbox_tier for a in list_attempts(reader)] == [None]
        assert RUN_SCHEMA.list_missing(reader) == []
        assert [m.name for m in RUN_SCHEMA.applied(reader)] == list(RUN_SCHEMA.names)


def test_a_reader_leaves_an_old_database_alone_while_its_worker_lives(old: Path) -> None:
    path = get_run_db_path(old, RUN)
    undo_tier(path)
    lock = FileLock(get_worker_lock_path(old, RUN))
    lock.acquire()
    with open_run(old, RUN) as db:
        assert [a.sandbox_tier for a in list_attempts(db)] == [None]
        assert count_generations(db) == 16
    assert "path" in read_shape(path)["checkpoints"]
    lock.release()
    with open_run(old, RUN) as db:
        assert count_generations(db) == 16
    assert "path" not in read_shape(path)["checkpoints"]


def change(path: Path, sql: str) -> None:
    db = sqlite3.connect(path)
    db.executescript(sql)
    db.close()


@pytest.mark.parametrize("sign", ["count", "name"])
@pytest.mark.parametrize(("place", "schema"), DATABASES, ids=lambda v: str(v)[:9])
def test_a_database_of_a_newer_version_is_refused_and_left_alone(
    tmp_path: Path, place: Path, schema: Schema, sign: str
) -> None:
    path = tmp_path / place
    open_for_writing(path, schema).close()
    change(
        path,
        "PRAGMA user_version = 99"
        if sign == "count"
        else "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
        f"VALUES ('{schema.name}', 'of_tomorrow', '')",
    )
    before = read_all(path)
    for open_it in (open_for_writing, open_for_reading):
        with pytest.raises(NewerDatabaseError, match=r"newer version.*Update RFT Studio") as caught:
            open_it(path, schema)
        assert ("of_tomorrow" in caught.value.why) == (sign == "name")
    assert read_all(path) == before


@pytest.mark.parametrize(("place", "schema"), DATABASES, ids=lambda v: str(v)[:9])
def test_versions_that_counted_refuse_what_we_write(old: Path, place: Path, schema: Schema) -> None:
    """They compared `user_version` with the number of migrations that they knew."""
    counted = sqlite3.connect(old / place).execute("PRAGMA user_version").fetchone()[0]
    open_for_writing(old / place, schema).close()
    written = sqlite3.connect(old / place).execute("PRAGMA user_version").fetchone()[0]
    assert written == len(schema.names)
    assert (written > counted) == (len(schema.names) > counted)


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    first = {"one": "CREATE TABLE a (x); INSERT INTO a VALUES (1)"}
    open_for_writing(path, Schema("some", first)).close()
    before = read_all(path)
    broken = Schema("some", first | {"two": "ALTER TABLE a ADD COLUMN y", "three": "nonsense"})
    with pytest.raises(sqlite3.OperationalError, match="nonsense"):
        open_for_writing(path, broken)
    assert read_all(path) == before


def test_a_comment_may_hold_a_semicolon(tmp_path: Path) -> None:
    sql = """
    -- One; two.
    CREATE TABLE a (x); -- three; four
    CREATE TABLE b (y)
    """
    open_for_writing(tmp_path / "some.db", Schema("some", {"one": sql})).close()
    assert {"a", "b"} <= read_shape(tmp_path / "some.db").keys()


def test_sets_of_one_name_get_versions_when_they_move_to_their_table(old: Path) -> None:
    """Prompt sets had none. The two kinds do not count together, and may share a hash."""
    path = get_index_path(old)
    db = sqlite3.connect(path)
    [(first, name, began)] = db.execute("SELECT id, name, created_at FROM prompt_sets").fetchall()
    db.execute(
        "INSERT INTO prompt_sets (id, name, task, num_rows, content, created_at) "
        "VALUES ('second', ?, NULL, 3, '{}', ?)",
        (name, began + 1),
    )
    db.execute(
        "INSERT INTO reward_sets (id, name, version, content, created_at) VALUES (?, ?, 1, ?, 0)",
        (first, name, "[]"),
    )
    db.commit()
    db.close()
    with open_index(old) as index:
        assert [(s["id"], s["version"]) for s in list_sets(index, "prompts")] == [
            ("second", 2), (first, 1),
        ]  # fmt: skip
        assert get_set(index, "rewards", first).content == "[]"
        assert get_set(index, "prompts", first).content != "[]"
        assert ensure_set(index, "prompts", id="third", name=name, content="{}") == 3
        assert ensure_set(index, "prompts", id=first, name=name, content="{}") == 1


@pytest.mark.parametrize(
    ("schema", "given"),
    [
        (
            INDEX_SCHEMA,
            [
                "tables", "commands_backend", "deleted_runs", "evaluations", "sets",
                "evaluation_records",
            ],
        ),
        (
            RUN_SCHEMA,
            [
                "tables", "attempts_sandbox_tier", "checkpoints_without_path", "stages",
                "generation_filters", "without_stages",
            ],
        ),
        (RESCORES_SCHEMA, ["tables"]),
    ],
    ids=["index", "run", "rescores"],
)  # fmt: skip
def test_a_change_once_given_is_never_taken_back(schema: Schema, given: list[str]) -> None:
    """A database that has it would be refused as a newer one. Changes are added at the end."""
    assert list(schema.names)[: len(given)] == given
