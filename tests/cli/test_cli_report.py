"""The command report."""

from pathlib import Path

from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.sample_run import write_finished_run


def test_report_writes_one_file_and_says_where(
    rft: Command, folder: RunsFolder, tmp_path: Path
) -> None:
    write_finished_run(folder.path, "one", steps=3)
    target = tmp_path / "one.html"
    document = rft("report", "one", "--to", str(target), "--json").document
    assert document == {"run": "one", "file": str(target), "bytes": target.stat().st_size}
    assert target.read_text().startswith("<!doctype html>")
    for words, why in (
        (["none", "--to", str(target)], "no run 'none'"),
        (["one", "--to", str(tmp_path / "missing" / "x.html")], "cannot be written"),
    ):
        outcome = rft("report", *words)
        assert outcome.code == 2 and why in outcome.stderr and outcome.stderr.count("\n") == 1
