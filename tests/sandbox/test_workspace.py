"""Folders of killed processes are swept away; those of living ones never."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from rft_core.sandbox import workspace
from rft_core.sandbox.servers import SERVERS
from rft_core.sandbox.workspace import PREFIX, Workspace


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_killed_parents_folder_is_swept_at_the_next_start(temporary):
    program = (
        "from rft_core.sandbox.servers import SERVERS\nprint(SERVERS.tier, flush=True); input()"
    )
    environment = {**os.environ, "TMPDIR": str(temporary)}
    parent = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout and parent.stdin
    parent.stdout.readline()
    [left] = temporary.glob(PREFIX + "*")
    Workspace().close()
    assert left.exists()  # it lives
    parent.kill()
    parent.communicate()
    Workspace().close()
    assert list(temporary.iterdir()) == []


def test_a_folder_in_use_stays_and_a_closed_one_goes(temporary):
    first = Workspace()
    second = Workspace()
    assert first.folder.exists() and second.folder.exists()
    first.close()
    first.close()
    assert list(temporary.iterdir()) == [second.folder]
    second.close()


def test_a_folder_without_a_lock_is_given_time(temporary, monkeypatch):
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    workspace.sweep(temporary)
    assert folder.exists()  # somebody may be about to lock it
    monkeypatch.setattr(workspace, "YOUNG_SECONDS", -1.0)
    workspace.sweep(temporary)
    assert not folder.exists()


def test_a_link_with_such_a_name_is_not_followed(temporary):
    precious = temporary / "precious"
    precious.mkdir()
    (precious / "lock").touch()
    (temporary / (PREFIX + "link")).symlink_to(precious)
    workspace.sweep(temporary)
    assert precious.exists()


def test_closing_the_servers_leaves_nothing(fresh_servers, temporary):
    assert SERVERS.tier
    SERVERS.close()
    assert list(temporary.iterdir()) == []
