"""A database is damaged while a page reads it: the page says so in one sentence, no traceback."""

import ast
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs import badge as badges
from rft_core.paths import PROJECT_ROOT, get_index_path, get_run_db_path
from rft_core.store.sqlite.connections import list_wal_files
from tests.sample_run import begin_run

RUN = "countdown-1"


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    monkeypatch.setattr("rft_core.jobs.launcher.ensure_supervisor", lambda runs_dir: None)
    run = begin_run(tmp_path, RUN)
    run.hold()
    run.train(3)
    return tmp_path


def open_page(name: str, **query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for key, value in query.items():
        app.query_params[key] = value
    return app.switch_page(f"{name}.py").run() if name else app


def damage(path: Path) -> None:
    for file in list_wal_files(path):
        file.unlink(missing_ok=True)
    path.write_bytes(b"\7" * 5000)


def damage_after(function: Callable[..., Any], path: Path, calls: int = 1) -> Callable[..., Any]:
    """The same function; its last call leaves the file damaged, as a bad disk might just then."""
    left = calls

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        answer = function(*args, **kwargs)
        left -= 1
        if left == 0:
            damage(path)
        return answer

    return call


def expect_one_sentence(app: AppTest, what: str) -> None:
    assert not app.exception
    assert any(what in error.value for error in app.error)
    assert all("Traceback" not in error.value for error in app.error)


@pytest.mark.parametrize(
    ("page", "moment", "calls"),
    [
        ("monitor", "runs.look.look_at", 2),
        ("monitor", "runs.look.read_telling_group", 1),
        ("generations", "completions.listing.top_id", 1),
        ("generations", "completions.listing.read_page", 1),
    ],
)
def test_a_damaged_run_is_said_in_the_part_that_meets_it(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch, page: str, moment: str, calls: int
) -> None:
    module, _, name = f"pages.components.{moment}".rpartition(".")
    reader = getattr(importlib.import_module(module), name)
    path = get_run_db_path(runs_dir, RUN)
    monkeypatch.setattr(f"{module}.{name}", damage_after(reader, path, calls))
    app = open_page(page, run=RUN, details="Events")
    expect_one_sentence(app, f"What run '{RUN}' has recorded cannot be read")


def test_a_damaged_index_is_said_in_the_list_of_runs(
    runs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    badge = damage_after(badges.state_badge, get_index_path(runs_dir))
    monkeypatch.setattr(badges, "state_badge", badge)
    expect_one_sentence(open_page(""), "index.db")


def test_every_part_that_runs_by_itself_shows_its_errors() -> None:
    """`shown_errors` around a page does not hold when a fragment or a dialog runs again."""
    found, bare = 0, list[str]()
    for path in sorted((PROJECT_ROOT / "pages").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        passed = {
            ast.unparse(call.args[0])
            for call in ast.walk(tree)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "st.fragment" and call.args
        }
        for function in functions:
            said = " ".join(ast.unparse(decorator) for decorator in function.decorator_list)
            if function.name in passed or "st.dialog" in said or "st.fragment" in said:
                found += 1
                bare += [] if said.endswith("shown_errors()") else [f"{path.name}: {function.name}"]
    assert found >= 8 and not bare
