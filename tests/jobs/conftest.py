from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs_folder import RunsFolder, runs_folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunsFolder]:
    with runs_folder(tmp_path / "runs") as folder:
        yield folder


@pytest.fixture
def supervised(folder: RunsFolder) -> RunsFolder:
    folder.start_supervisor()
    return folder
