"""What a benchmark publishes of how it was called: nothing of where its files are kept."""

from pathlib import Path

import pytest

from benchmarks.in_turn import describe_command


def test_a_folder_is_published_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "private" / "smol"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder.parent)
    for given in (str(folder), f"{folder}/", "./smol", "smol", "/gone/smol"):
        arguments = [f"{tmp_path}/step.py", "--model", given, "--set", f"model={given}"]
        assert describe_command(arguments) == (
            "python benchmarks/step.py --model smol --set model=smol"
        )


def test_everything_else_is_published_as_it_was_typed() -> None:
    words = ["step.py", "--model", "embedded/countdown", "--set", "beta=0.1", "--pairs", "7"]
    assert describe_command(words) == f"python benchmarks/{' '.join(words)}"
    assert describe_command(["chat.py", "--model=Qwen/Qwen2.5-0.5B"]).endswith(
        "--model=Qwen/Qwen2.5-0.5B"
    )
