"""TRL's preference files, both ways: every form it knows, and every line that is none."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from trl.data_utils import maybe_extract_prompt

from rft_core.data import Pair, read_table
from rft_core.data.pair_lines import ImportedPairs, read_pairs, write_pairs
from rft_core.data.readers.prompt_file import parse_table
from rft_core.errors import BadInputError

USER = {"role": "user", "content": "2 + 2?"}


def say(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def read(*lines: dict[str, Any]) -> ImportedPairs:
    return read_pairs(parse_table("\n".join(map(json.dumps, lines)).encode(), "pairs.jsonl"))


@pytest.mark.parametrize(
    "line",
    [
        {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"},
        {"prompt": [USER], "chosen": [say("4")], "rejected": [say("5")]},
        {"chosen": [USER, say("4")], "rejected": [USER, say("5")]},
        {"prompt": "2 + 2?", "chosen": [USER, say("4")], "rejected": [USER, say("5")]},
    ],
    ids=["text", "chat", "implicit chat", "implicit chat with a prompt beside it"],
)
def test_every_form_gives_the_same_pair(line: dict[str, Any]) -> None:
    [pair] = read(line).pairs
    assert list(pair.messages) == [USER]
    assert (pair.chosen, pair.rejected, pair.source) == ("4", "5", "pairs.jsonl")


@pytest.mark.parametrize(
    "line",
    [
        {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        {"chosen": "One two three", "rejected": "One two four"},
        {"chosen": [USER, say("4"), USER, say("4!")], "rejected": [USER, say("4"), USER, say("5")]},
    ],
)
def test_an_implicit_prompt_is_the_one_that_trl_finds(line: dict[str, Any]) -> None:
    imported = read(line)
    expected = maybe_extract_prompt(line)
    [pair] = imported.pairs
    if isinstance(line["chosen"], str):
        assert pair.messages[0]["content"] == expected["prompt"]
        assert (pair.chosen, pair.rejected) == (expected["chosen"], expected["rejected"])
    else:
        assert list(pair.messages) == expected["prompt"]
        assert [say(pair.chosen)] == expected["chosen"]
    assert "1 is what both answers begin with" in imported.describe()


def test_what_is_written_is_read_back_and_is_what_trl_loads(tmp_path: Path) -> None:
    pairs = [
        Pair([{"role": "system", "content": "Be brief"}, USER], "4", "5\n", row={"n": 2},
             margin=1.5, source="judged by ada", group="g1"),
        Pair([USER, say("4"), {"role": "user", "content": "Sure?"}], "é ✓", "", row={"n": 3},
             margin=2.0, source="judged by ada", group="g2"),
    ]  # fmt: skip
    path = tmp_path / "pairs.jsonl"
    path.write_text(write_pairs(pairs), encoding="utf-8")
    loaded = load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path))
    assert maybe_extract_prompt(loaded[0])["chosen"] == [say("4")]
    assert loaded[1]["prompt"][1] == say("4")
    read_back = read_pairs(read_table(path)).pairs
    assert list(read_back) == pairs


def test_equal_answers_are_left_out_counted_and_said() -> None:
    line = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}
    imported = read(line, line | {"rejected": "4"}, line)
    assert (len(imported.pairs), imported.same_text) == (2, 1)
    assert imported.describe() == "2 pairs; 1 row was left out: both answers are the same text."


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ({"prompt": "2 + 2?", "chosen": "4", "rejected": None}, "Row 2 has no 'rejected' answer"),
        ({"prompt": "2 + 2?", "chosen": "4", "rejected": ["5"]}, "Row 2: 'rejected' is a list"),
        ({"prompt": "2 + 2?", "chosen": 4, "rejected": 5}, "Row 2: 'chosen' is a int"),
        (
            {"prompt": "2?", "chosen": [say("4")], "rejected": [{"text": "5"}]},
            "Row 2: 'rejected' h",
        ),
        ({"prompt": 5, "chosen": "4", "rejected": "5"}, "Row 2: 'prompt' holds 5"),
        ({"chosen": "yes", "rejected": "no"}, "Row 2 has no prompt"),
        (
            {"prompt": [USER], "chosen": [say("4"), USER], "rejected": [say("5")]},
            "2 messages after",
        ),
        ({"prompt": [USER], "chosen": [USER], "rejected": [say("5")]}, "'chosen' holds 1 messages"),
        (
            {"prompt": "2?", "chosen": "4", "rejected": "5", "margin": "big"},
            "margin 'big' is no nu",
        ),
        ({"prompt": "2?", "chosen": "4", "rejected": "5", "row": "x"}, "Row 2: 'row' is a str"),
    ],
)
def test_a_line_that_is_no_pair_is_named_with_its_cure(line: dict[str, Any], why: str) -> None:
    good = {"prompt": "2 + 2?", "chosen": "4", "rejected": "5"}
    with pytest.raises(BadInputError) as error:
        read(good, line)
    assert why in str(error.value) and error.value.fix


def test_a_file_without_the_columns_says_how_a_line_is_written() -> None:
    with pytest.raises(BadInputError, match="no column 'chosen' and no column 'rejected'"):
        read({"question": "2 + 2?", "answer": "4"})
