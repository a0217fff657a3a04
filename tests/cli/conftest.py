from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rft_core.cli.app import main
from tests.cli.command import Outcome
from tests.runs_folder import RunsFolder, runs_folder

Command = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunsFolder]:
    """The runs folder that commands of this test use."""
    with runs_folder(tmp_path / "runs") as folder:
        monkeypatch.setenv("RFT_RUNS_DIR", str(folder.path))
        yield folder


@pytest.fixture
def rft(folder: RunsFolder, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process: `rft("show", run, "--json")`."""

    def run(*words: str) -> Outcome:
        capsys.readouterr()
        code = main(words)
        return Outcome(code, *capsys.readouterr())

    return run
