"""Hub datasets and local folders laid out like one."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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


CARD = """---
configs:
- config_name: main
  data_files: main.csv
- config_name: socratic
  data_files: socratic.csv{default}
---
"""


@pytest.fixture
def two_subsets(tmp_path: Path) -> Path:
    (tmp_path / "main.csv").write_text("question,answer\na?,1\n")
    (tmp_path / "socratic.csv").write_text("question,answer\nb?,2\nc?,3\n")
    (tmp_path / "README.md").write_text(CARD.format(default=""))
    return tmp_path


def test_a_card_with_several_subsets_is_refused_with_their_names(two_subsets):
    with pytest.raises(BadInputError, match="main, socratic") as refused:
        load_hub_rows(str(two_subsets))
    assert "several subsets, and none was chosen" in str(refused.value)
    assert "such as main" in refused.value.fix
    with pytest.raises(BadInputError, match="socratic"):
        load_hub_rows(str(two_subsets), subset="socrates")


def test_a_subset_that_is_chosen_or_the_cards_default_is_read(two_subsets):
    assert len(load_hub_rows(str(two_subsets), subset="main").rows) == 1
    card = CARD.format(default="\n  default: true")
    (two_subsets / "README.md").write_text(card)
    assert len(load_hub_rows(str(two_subsets)).rows) == 2


def test_with_one_subset_the_error_is_the_split_that_is_not_there(two_subsets):
    card = CARD.format(default="").replace(
        "- config_name: socratic\n  data_files: socratic.csv\n", ""
    )
    (two_subsets / "README.md").write_text(card)
    with pytest.raises(BadInputError, match="test"):
        load_hub_rows(str(two_subsets), "test")
    assert len(load_hub_rows(str(two_subsets)).rows) == 1


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


def make_bomb(folder: Path) -> None:
    """A few kilobytes of Parquet that stand for gigabytes."""
    indices = pa.array([0] * 12_000, pa.int32())
    texts = pa.DictionaryArray.from_arrays(indices, pa.array(["x" * 99_999]))
    cell = pa.ListArray.from_arrays(pa.array([0, 12_000], pa.int32()), texts)
    pq.write_table(pa.table(dict.fromkeys("abcd", cell)), folder / "train.parquet")


def make_flood(folder: Path) -> None:
    row = json.dumps({"question": "x" * 900_000}) + "\n"
    (folder / "train.jsonl").write_text(row * 100)


@pytest.mark.parametrize("make", [make_bomb, make_flood])
def test_a_dataset_that_wants_too_much_is_refused_where_it_does_no_harm(
    tmp_path: Path, make: Callable[[Path], None]
):
    make(tmp_path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInputError, match="too large"):
        load_hub_rows(str(tmp_path))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 100 * 1024  # KiB


def test_a_dataset_is_read_in_a_process_of_its_own(folder: Path):
    code = (
        "import sys\n"
        "from rft_core.data import load_hub_rows\n"
        "assert len(load_hub_rows(sys.argv[1]).rows) == 30\n"
        "assert not {'datasets', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_cancelling_from_the_progress_callback_stops_the_reading(folder):
    def cancel(rows: int) -> None:
        if rows == 3:
            raise RftError("cancelled")

    with pytest.raises(RftError, match="cancelled"):
        load_hub_rows(str(folder), on_progress=cancel)
