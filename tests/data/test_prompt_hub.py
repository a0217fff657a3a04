"""Hub datasets and local folders laid out like one."""

import json
import subprocess
import sys

import pytest

from rft_core.data import load_hub_rows
from rft_core.errors import BadInputError, RftError


@pytest.fixture
def folder(tmp_path):
    rows = [{"question": f"What is {i} + 1?", "nums": [i, 1], "answer": i + 1} for i in range(30)]
    path = tmp_path / "addition"
    path.mkdir()
    (path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (path / "test.jsonl").write_text(json.dumps(rows[0]) + "\n")
    return path


def test_a_local_folder_is_read_with_a_limit_and_progress(folder):
    seen = []
    table = load_hub_rows(str(folder), "train", limit=12, on_progress=seen.append)
    assert (table.name, table.format) == ("addition", "hub")
    assert table.columns == ("question", "nums", "answer")
    assert table.rows[2] == {"question": "What is 2 + 1?", "nums": [2, 1], "answer": 3}
    assert seen == list(range(1, 13))


def test_splits_are_kept_apart_and_an_unknown_one_is_refused(folder):
    assert len(load_hub_rows(str(folder), "train").rows) == 30
    assert len(load_hub_rows(str(folder), "test").rows) == 1
    with pytest.raises(BadInputError, match="Bad split: nosuch"):
        load_hub_rows(str(folder), "nosuch")


def test_a_folder_without_data_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="must hold data files"):
        load_hub_rows(str(tmp_path))


def test_a_name_that_cannot_be_one_is_refused():
    with pytest.raises(BadInputError, match="neither a dataset name nor a folder"):
        load_hub_rows("not a name!!")


def test_without_a_network_there_is_one_clear_message():
    code = (
        "from rft_core.data import load_hub_rows\n"
        "from rft_core.errors import RftError, BadInputError\n"
        "try: load_hub_rows('openai/gsm8k', subset='main')\n"
        "except RftError as error: print(type(error).__name__, error)"
    )
    # An address that refuses connections at once stands for a machine without a network.
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"HF_ENDPOINT": "http://127.0.0.1:9", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert result.stdout.startswith("RftError The dataset 'openai/gsm8k' cannot be fetched.")
    assert "upload a file instead" in result.stdout


def test_cancelling_from_the_progress_callback_stops_the_reading(folder):
    def cancel(rows: int) -> None:
        if rows == 3:
            raise RftError("cancelled")

    with pytest.raises(RftError, match="cancelled"):
        load_hub_rows(str(folder), on_progress=cancel)
