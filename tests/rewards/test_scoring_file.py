"""`score TASK`: a line in, a line out, in order; a bad line stops everything."""

import json
from pathlib import Path

import pytest

from rft_core.errors import BadInputError, NotFoundError
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.rewards.scoring_file import score_file
from rft_core.tasks import get_task
from tests.rewards.scoring_cases import RIGHT, ROW

TASK = get_task("countdown")


def score(folder: Path, text: str, reward_set=TASK.reward_set) -> list[dict]:
    source, output = folder / "in.jsonl", folder / "out.jsonl"
    source.write_bytes(text.encode("utf-8"))
    score_file(source, output, reward_set, TASK.prompt, TASK.check_row)
    return [json.loads(line) for line in output.read_text().splitlines()]


def line(completion: str, row=ROW) -> str:
    return json.dumps({"row": row, "completion": completion}) + "\n"


def test_the_output_has_the_promised_shape_and_order(tmp_path):
    scored = score(tmp_path, line(RIGHT) + line("no") + line("<answer>0x4A - 15 - 9</answer>"))
    assert scored[0] == {
        "scores": {"format": 1.0, "equation": 1.0},
        "reward": 2.0,
        "flags": [],
        "reasons": {
            "format": "One thought, then one answer, in the right tags.",
            "equation": "It uses every number once and equals 50.",
        },
    }
    assert scored[1]["reward"] == 0.0
    assert scored[2]["flags"] == ["odd_number"]


def test_more_lines_than_a_batch_stay_in_order(tmp_path):
    lines = "".join(line(RIGHT if index % 3 == 0 else "") for index in range(700))
    rewards = [scored["reward"] for scored in score(tmp_path, lines)]
    assert rewards == [2.0 if index % 3 == 0 else 0.0 for index in range(700)]


def test_user_rewards_see_the_prompt_and_the_row(tmp_path):
    source = """
def f(prompts, completions, target):
    assert "[15, 74, 9]" in prompts[0][0]["content"]
    return target
"""
    assert score(tmp_path, line("x"), reward_set_from_source(source))[0]["reward"] == 50.0


def test_an_unscored_completion_is_null(tmp_path):
    source = "def f(completions): return [None] * len(completions)"
    scored = score(tmp_path, line("x"), reward_set_from_source(source))[0]
    assert (scored["scores"], scored["reward"]) == ({"f": None}, None)


def test_scores_that_no_sum_can_hold_leave_valid_json(tmp_path):
    source = """
WEIGHTS = {"f": 10}
def f(completions): return [1e308 for _ in completions]
def g(completions): return [1.0, 1e308]
"""
    scored = score(tmp_path, line("x") + line("y"), reward_set_from_source(source))
    assert [(one["scores"], one["reward"]) for one in scored] == [
        ({"f": None, "g": 1.0}, 1.0),
        ({"f": None, "g": None}, None),
    ]


def test_a_byte_order_mark_crlf_and_empty_lines_are_harmless(tmp_path):
    text = "\ufeff" + line(RIGHT).replace("\n", "\r\n") + "\n" + line("a\u2028b") + "\n"
    assert len(score(tmp_path, text)) == 2


@pytest.mark.parametrize(
    "bad",
    [
        "nonsense",
        "[]",
        "{}",
        '{"row": {"nums": [1], "target": 1}}',
        '{"completion": "x"}',
        '{"row": [], "completion": "x"}',
        '{"row": {"nums": [1], "target": 1}, "completion": 5}',
        '{"row": {"nums": [1]}, "completion": "x"}',
        '{"row": {"nums": "1", "target": 1}, "completion": "x"}',
        '{"row": {"nums": [true], "target": 1}, "completion": "x"}',
        '{"row": {"nums": [1], "target": NaN}, "completion": "x"}',
        '{"row": {"nums": [1], "target": 1}, "completion": "x"} {}',
        "[" * 100_000,
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(tmp_path, bad):
    with pytest.raises(BadInputError, match="Line 2: "):
        score(tmp_path, line(RIGHT) + bad + "\n" + line(RIGHT))
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_missing_and_unreadable_files_are_explained(tmp_path):
    with pytest.raises(NotFoundError):
        score_file(tmp_path / "no", tmp_path / "out", TASK.reward_set, TASK.prompt, TASK.check_row)
    (tmp_path / "utf16").write_bytes(line(RIGHT).encode("utf-16"))
    with pytest.raises(BadInputError, match="UTF-8"):
        score_file(tmp_path / "utf16", tmp_path / "o", TASK.reward_set, TASK.prompt, TASK.check_row)
    with pytest.raises(BadInputError, match="Is a directory"):
        score_file(tmp_path, tmp_path / "o", TASK.reward_set, TASK.prompt, TASK.check_row)
    (tmp_path / "in").write_text(line(RIGHT))
    with pytest.raises(BadInputError, match="cannot be written"):
        score_file(
            tmp_path / "in", tmp_path / "x" / "o", TASK.reward_set, TASK.prompt, TASK.check_row
        )
