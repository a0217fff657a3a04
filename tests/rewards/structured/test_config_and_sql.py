"""Configuration and SQL: valid is not enough where nearly everything is valid."""

import pytest

from rft_core.rewards.structured.config_validity import grade_config
from rft_core.rewards.structured.sql_validity import grade_sql
from tests.work import cpu_seconds

GOOD = {
    "yaml": "name: web\nserver:\n  port: 80\n  hosts: [a, b]",
    "json": '{"name": "web", "server": {"port": 80}}',
    "toml": 'name = "web"\n[server]\nport = 80',
    "ini": "[server]\nport = 80\n[name]\nx = %(y)s",
}


@pytest.mark.parametrize("language", GOOD)
def test_honest_configuration_earns_full(language):
    keys = "server.port" if language == "ini" else "name, server.port"
    block = f"Here you are:\n```{language}\n{GOOD[language]}\n```"
    assert grade_config(block, {}, language=language, required_keys=keys).score == 1.0
    assert grade_config(block, {"required_keys": keys.split(",")}, language=language).score == 1.0
    tagged = f"<answer>{GOOD[language]}</answer>"
    assert grade_config(tagged, {}, language=language, extraction="answer_tag").score == 1.0


@pytest.mark.parametrize("language", GOOD)
@pytest.mark.parametrize(
    "text",
    ["", " \n", "just some text", "# a comment", "- a\n- b", "[" * 15_000, "x" * 30_000, "{", "---",
     "%", "\x00", "a: 1\na: 2", '{"a": 1, "a": 2}', "a = 1\na = 2", "[a]\nb=1\n[a]\nc=1",
     "a: *b", "a: &a [1]\nb: [*a, *a]", "!!python/object:os.system x", "a: 2020-99-99"],
)  # fmt: skip
def test_what_says_nothing_or_says_it_twice_earns_nothing(language, text):
    assert grade_config(text, {}, language=language, extraction="whole").score == 0.0


def test_keys_count_only_at_their_place_and_with_a_value():
    text = "name: 'server.port: 80'\n# server:\nother:\n  server: {port: 80}"
    graded = grade_config(text, {}, extraction="whole", required_keys="name, server.port")
    assert graded.score == 0.0 and "server.port" in graded.reason
    half = {"extraction": "whole", "required_keys": "name, server.port", "partial": True}
    assert grade_config(text, {}, **half).score == 0.5
    assert grade_config("name:\nserver: {port: ''}", {}, **half).score == 0.0


@pytest.mark.parametrize("value", ["!!bool x", "!!int ''", "!!float ''", "!!timestamp x"])
def test_a_value_that_does_not_fit_its_tag_is_not_valid_yaml(value):
    graded = grade_config(f"```yaml\na: {value}\n```", {})
    assert graded.score == 0.0 and "does not fit its tag" in graded.reason


@pytest.mark.parametrize(
    ("language", "text", "keys"),
    [("yaml", "8080: web\non: push\n1.5: x\nnull: y", "8080, on, 1.5, null"),
     ("yaml", "labels:\n  app.kubernetes.io/name: web", "labels.app.kubernetes.io/name"),
     ("json", '{"8080": {"a.b": 1}}', "8080.a.b"),
     ("ini", "[Server]\nPort = 1", "Server.Port"), ("ini", "[Server]\nPort = 1", "server.port"),
     ("ini", "[tool.black]\nline.length = 9", "tool.black.line.length")],
)  # fmt: skip
def test_a_key_is_found_as_it_is_written(language, text, keys):
    asked = {"language": language, "extraction": "whole"}
    assert grade_config(text, {}, **asked, required_keys=keys).score == 1.0
    assert grade_config(text, {}, **asked, required_keys=keys + "x").score == 0.0


SHOP = {
    "schema": "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n"
    "CREATE TABLE orders (id INTEGER, user_id INTEGER, total REAL);\n"
    "CREATE VIEW rich AS SELECT * FROM users;"
}


def sql(statement: str, row=SHOP, **options):
    return grade_sql(f"<answer>{statement}</answer>", row, **options)


@pytest.mark.parametrize(
    "statement",
    ["SELECT name FROM users", "select count(*) from orders;", "SELECT * FROM rich -- all",
     "WITH t AS (SELECT user_id u, SUM(total) s FROM orders GROUP BY 1) SELECT name, s FROM users "
     "JOIN t ON u = id ORDER BY s DESC LIMIT 3",
     "SELECT name FROM Users WHERE id = :id", "/* why */ SELECT id FROM users;",
     "SELECT name FROM users WHERE id IN (SELECT user_id FROM orders WHERE total > 5)",
     "SELECT name FROM users WHERE id = ?", "SELECT id FROM users WHERE id IN (?, ?1, :a) LIMIT ?",
     "SELECT name FROM users WHERE name = 'why?' -- ?"],
)  # fmt: skip
def test_honest_queries_are_valid(statement):
    assert sql(statement).score == 1.0, sql(statement).reason


@pytest.mark.parametrize(
    "statement",
    ["", ";", "hello", "SELECT", "SELECT nme FROM users", "SELECT * FROM nobody", "SELECT 1",
     "SELECT name FROM users; SELECT 2", "SELECT 1; DROP TABLE users", "DROP TABLE users",
     "DELETE FROM users", "INSERT INTO users VALUES (1, 'a')", "PRAGMA table_info(users)",
     "PRAGMA writable_schema = 1", "ATTACH '/tmp/x.db' AS x", "VACUUM INTO '/tmp/rft-x.db'",
     "SELECT load_extension('/tmp/x.so')", "SELECT load_extension(name) FROM users",
     "QUERY PLAN SELECT * FROM users", "-- users",
     "SELECT 'users'", "SELECT name FROM sqlite_master", "CREATE TABLE t (a)", "BEGIN",
     "SELECT " + "(" * 3000 + "1" + ")" * 3000 + " FROM users", "SELECT \x00 FROM users",
     "WITH users AS (SELECT 1 AS id) SELECT id FROM users", "/*" * 4000,
     "/* */" * 200 + "x", "SELECT \ud800 FROM users", "SELECT name FROM users WHERE id ?",
     "SELECT name? FROM users", "SELECT nme FROM users WHERE id = ?", "SELECT ? FROM nobody"],
)  # fmt: skip
def test_other_statements_earn_nothing(statement):
    assert sql(statement).score == 0.0
    honest = cpu_seconds(lambda: [sql("SELECT name FROM users") for _ in range(20)])
    assert cpu_seconds(lambda: sql(statement)) < 10 * honest


def test_changes_are_valid_where_they_are_allowed_and_never_happen(tmp_path):
    assert sql("DELETE FROM users WHERE id = 1", allow_changes=True).score == 1.0
    assert sql("INSERT INTO users (name) VALUES ('a')", allow_changes=True).score == 1.0
    assert sql("DROP TABLE users", allow_changes=True).score == 0.0
    target = tmp_path / "x.db"
    for statement in (f"VACUUM INTO '{target}'", f"ATTACH '{target}' AS x"):
        assert sql(statement, allow_changes=True).score == 0.0
    assert not target.exists()


def test_a_query_without_end_is_not_run():
    numbers = "WITH RECURSIVE t(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM t)"
    endless = f"{numbers} SELECT i, name FROM t, users"
    assert (
        sql(endless).score == 1.0
    )  # valid; whether it is wise is not asked, else it never returns


@pytest.mark.parametrize(
    "schema",
    [None, "", "CREATE TABLE users (id) -- \ud800", "CREATE TABLE users (id) -- \0",
     "CREATE TABL x", "PRAGMA journal_mode = wal", "ATTACH '/tmp/x.db' AS x", 5,
     "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) "
     "SELECT i FROM n"],
)  # fmt: skip
def test_a_schema_that_cannot_be_built_is_the_rows_fault(schema):
    assert sql("SELECT 1", {"schema": schema}).score is None


def test_tables_need_not_be_used_where_that_is_not_asked():
    assert sql("SELECT 1 + 1", must_use_table=False).score == 1.0
