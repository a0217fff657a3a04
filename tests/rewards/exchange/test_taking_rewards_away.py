"""Exported rewards score the same elsewhere: as a module for TRL, and as OpenAI's graders."""

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet
from rft_core.rewards.exchange.openai_export import export_graders
from rft_core.rewards.exchange.openai_graders import import_grader
from rft_core.rewards.exchange.reward_files import read_pasted, read_reward_file
from rft_core.rewards.exchange.trl_module import list_obstacles, write_module
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS
from tests.rewards.scoring_cases import RIGHT, ROW, make_batch

WRONG = ("", "no tags", "<think>a</think>\n<answer>7</answer>", '{"a": 1}', "<answer>(B)</answer>")
GRADED = RewardSet(
    (
        RewardEntry("shape", "format"),
        RewardEntry("hit", "equation", 2.0, only_if="shape"),
        RewardEntry("words", "length", 0.5, {"unit": "words", "minimum": 30}, clip_low=0.25),
        RewardEntry("both", "formula", 1.0, {"expression": "shape ^ 2 + floor(hit) * 0.5"}),
        RewardEntry("digits", "regex", 0.0, {"pattern": r"\d\d"}),
        RewardEntry("lower", "python", source="def lower(completions):\n"
                    "    return [None if not c else float(c.islower()) for c in completions]\n"),
        RewardEntry("other", "python", options={"function": "score"},
                    source="def score(completions, nums, **_):\n"
                    "    return [float(str(n[0]) in c) for c, n in zip(completions, nums)]\n"),
    ),
    "graded",
)  # fmt: skip


def scores_here(rewards: RewardSet, batch: Batch) -> list[dict[str, float | None]]:
    with Scorer(rewards) as scorer:
        return [dict(sample.scores) for sample in scorer.score(batch).samples]


def scores_alone(module: str, batch: Batch, folder: Path) -> list[dict[str, float | None]]:
    """As TRL calls them, in a Python that does not find this project."""
    (folder / "mine.py").write_text(module)
    columns = {name: [row.get(name) for row in batch.rows] for row in batch.rows for name in row}
    keywords = {"completions": list(batch.completions), "prompts": list(batch.prompts), **columns}
    program = (
        f"import json, sys; sys.path.insert(0, {str(folder)!r}); import mine\n"
        "keywords = json.load(sys.stdin)\n"
        "print(json.dumps([{f.__name__: f(**keywords) for f in mine.REWARD_FUNCS}, "
        "mine.REWARD_WEIGHTS, 'rft_core' in sys.modules]))"
    )
    command = [sys.executable, "-I", "-c", program]
    result = subprocess.run(
        command, input=json.dumps(keywords), capture_output=True, text=True, check=False, cwd="/"
    )
    assert result.returncode == 0, result.stderr
    columns_of_scores, _, met_us = json.loads(result.stdout)
    assert not met_us
    names = list(columns_of_scores)
    return [dict(zip(names, row, strict=True)) for row in zip(*columns_of_scores.values(),
                                                              strict=True)]  # fmt: skip


def batch_of(name: str) -> Batch:
    """Gold completions of a task's rows, and wrong ones."""
    task = TASKS[name]
    rows = task.held_out(3) if task.make_rows else [task.example_row]
    texts = [*(task.write_gold(row) or "" for row in rows), *WRONG]
    return make_batch(*texts, rows=[*rows, *[rows[0]] * len(WRONG)])


def exportable_tasks() -> list[str]:
    return [n for n, task in TASKS.items() if not list(list_obstacles(task.reward_set.entries))]


@pytest.mark.parametrize("name", exportable_tasks())
def test_a_tasks_rewards_score_the_same_as_a_module_and_as_graders(name, tmp_path):
    rewards, batch = TASKS[name].reward_set, batch_of(name)
    here = scores_here(rewards, batch)
    assert here[0] == dict.fromkeys(rewards.names, 1.0)
    assert scores_alone(write_module(rewards), batch, tmp_path) == here
    graders = import_grader(export_graders(rewards).text).rewards
    there = scores_here(graders, batch)
    assert [[s[n] for n in rewards.names] for s in there] == [
        [s[n] or 0.0 for n in rewards.names]
        for s in here  # OpenAI knows no None
    ]


def test_gates_bounds_formulas_and_renamed_functions_survive(tmp_path):
    batch = make_batch(RIGHT, *WRONG, rows=[ROW] * (1 + len(WRONG)))
    here = scores_here(GRADED, batch)
    assert here[0] == {"shape": 1.0, "hit": 1.0, "words": here[0]["words"], "both": 1.5,
                       "digits": 1.0, "lower": 1.0, "other": 1.0}  # fmt: skip
    assert here[1]["lower"] is None and here[2]["words"] == 0.25
    module = write_module(GRADED)
    assert scores_alone(module, batch, tmp_path) == here
    again = read_reward_file("graded.py", module).rewards
    assert (again.names, again.weights) == (GRADED.names, GRADED.weights)
    assert scores_here(again, batch) == here


def test_a_lone_source_stays_as_it_was_written():
    source = (
        "import math\n\n\ndef f(completions, **_):\n    return [math.pi for _ in completions]\n"
    )
    module = write_module(RewardSet((RewardEntry("f", "python", 0.5, source=source),)))
    assert source in module and "REWARD_WEIGHTS = [0.5]" in module


def test_a_source_that_has_the_modules_own_names_gets_a_module_of_its_own(tmp_path):
    source = "def _call(text):\n    return 0.5\n\n\ndef f(completions):\n    return [_call('x')]\n"
    module = write_module(RewardSet((RewardEntry("f", "python", source=source),)))
    assert scores_alone(module, make_batch("x"), tmp_path) == [{"f": 0.5}]


def test_weights_and_bounds_become_the_sum_and_score_the_same():
    ungated = [replace(entry, only_if="") for entry in GRADED.entries]
    rewards = RewardSet((*ungated, RewardEntry("more", "formula", 2.0, {"expression": "lower - 1"},
                                               clip_low=-0.5, clip_high=0.5)), "many")  # fmt: skip
    exported = json.loads(export_graders(rewards).text)
    assert exported["calculate_output"] == (
        "shape + 2 * hit + 0.5 * max(words, 0.25) + shape ^ 2 + floor(hit) * 0.5 + lower + other"
        " + 2 * min(max(lower - 1, -0.5), 0.5)"
    )
    assert set(exported["graders"]) == set(GRADED.names) - {"both"}
    batch = make_batch(RIGHT, *WRONG[1:], rows=[ROW] * len(WRONG))
    with Scorer(rewards) as here, Scorer(import_grader(json.dumps(exported)).rewards) as there:
        ours = [sample.reward for sample in here.score(batch).samples]
        assert [sample.reward for sample in there.score(batch).samples] == pytest.approx(ours)
    one = RewardSet((replace(GRADED.entries[2], weight=1.0),))
    assert json.loads(export_graders(one).text)["calculate_output"] == "max(words, 0.25)"


def test_a_formula_over_a_gated_score_means_something_else_there():
    with pytest.raises(BadInputError, match="'hit': 'both' needs its score from before the gate"):
        export_graders(GRADED)


@pytest.mark.parametrize(
    ("entry", "why"),
    [(RewardEntry("j", "judge", options={"model": "m", "rubric": "r"}), "asks a judge"),
     (RewardEntry("if", "format"), "rename it"),
     (RewardEntry("f", "format", in_group="rank"), "compared")],
)  # fmt: skip
def test_what_a_lone_function_cannot_do_is_refused(entry, why):
    with pytest.raises(BadInputError, match=f"'{entry.name}': .*{why}"):
        write_module(RewardSet((entry,)))


def test_pasted_python_is_trls_or_openais():
    trl = read_pasted("def f(completions):\n    return [1.0]", "mine").rewards
    assert (trl.names, trl.name) == (("f",), "mine")
    openai = read_pasted("def grade(sample, item, **more):\n    return len(item['a'])", "my file")
    assert openai.rewards.names == ("my_file",) and openai.remarks
    batch = make_batch("x", rows=[{"a": "123"}])
    assert scores_here(openai.rewards, batch) == [{"my_file": 3.0}]
    for text in ("", " \n", "import os", "def grade(:", "{"):
        with pytest.raises(BadInputError):
            read_pasted(text, "mine")


def test_the_copied_runtime_needs_no_names_but_its_own():
    text = Path(write_module.__code__.co_filename).with_name("trl_runtime.py").read_text()
    public = [node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    assert public and all(name.startswith("_") for name in public)


def test_a_grader_that_reads_a_data_file_takes_it_along(tmp_path):
    rewards = RewardSet((RewardEntry("told", "instructions"),), "told")
    texts = ("Der Hund und die Katze sind nicht auf dem Bild.", "The dog is not in the picture.")
    row = {"constraints": [{"kind": "language", "language": "de"}]}
    batch = make_batch(*texts, rows=[row] * 2)
    scored = scores_here(rewards, batch)
    assert [one["told"] for one in scored] == [1.0, 0.0]
    assert scores_alone(write_module(rewards), batch, tmp_path) == scored
