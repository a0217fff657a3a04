"""Kernels to write: thirteen by hand, the rest generated; no split shares a kernel with another."""

import ast
import random

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer
from rft_core.tasks.triton import generator as triton_generator
from rft_core.tasks.triton.examples import EXAMPLES, read_inputs
from rft_core.tasks.triton.expression import (
    OPERATIONS,
    apply,
    make_input,
    make_number,
    read_torch,
    write_torch,
    write_triton,
)
from rft_core.tasks.triton.generator import read_problem, sample_problem, write_kernel
from rft_core.tasks.triton.kernels import NAIVE_REWARDS, TRITON_KERNELS, TRITON_KERNELS_EASY
from rft_core.tasks.triton.reference import make_key

TASKS = [TRITON_KERNELS, TRITON_KERNELS_EASY]
SPLITS = ("train", "validation", "held_out")
NAMES = [task.name for task in TASKS]


def reference(value, inputs="x, y"):
    return {"reference": f"import torch\n\ndef f({inputs}):\n    return {value}\n", "inputs": []}


def test_thirteen_examples_are_for_training_and_others_are_held_out():
    assert {split: len(examples) for split, examples in EXAMPLES.items()} == {
        "train": 13,
        "validation": 3,
        "held_out": 8,
    }
    rows = TRITON_KERNELS.make_rows("train", 13, seed=0)
    assert rows == [example.row for example in EXAMPLES["train"]]


def test_the_examples_come_first_and_generated_rows_follow():
    few, many = (TRITON_KERNELS.make_rows("train", count, seed=4) for count in (5, 40))
    assert many[:5] == few
    assert all(read_problem(row) is None for row in many[:13])
    assert all(read_problem(row) for row in many[13:])


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_rows_are_typed_distinct_and_reproducible(task):
    train, validation = task.load(300, 60, seed=1)
    rows = train + validation + task.held_out(60)
    assert len({row["reference"] for row in rows}) == 420
    assert task.load(300, 60, seed=1) == (train, validation)
    assert task.load(80, 0, seed=1)[0] == train[:80]
    assert task.load(80, 0, seed=2)[0] != train[:80]
    for row in rows:
        task.check_row(row)
        ast.parse(row["reference"])
        assert all(set(each) == {"shape", "dtype"} for each in row["inputs"])


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_no_split_shares_a_kernel_whatever_its_seed(task):
    keys = {
        split: {make_key(row) for seed in (1, 2) for row in task.make_rows(split, 300, seed)}
        for split in SPLITS
    }
    assert not keys["train"] & keys["validation"]
    assert not keys["train"] & keys["held_out"]
    assert not keys["validation"] & keys["held_out"]
    assert len(keys["train"]) > 200


def test_more_rows_than_there_are_is_bad_input(monkeypatch):
    monkeypatch.setattr(triton_generator, "MISSES_BEFORE_GIVING_UP", 2)
    with pytest.raises(BadInputError, match="Ask for fewer"):
        TRITON_KERNELS_EASY.make_rows("held_out", 100_000, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x + y", "y + x"),
        ("x + 2.0", "x + 0.5"),
        ("torch.relu(x * y)", "torch.relu(y * x)"),
        ("torch.maximum(x, torch.abs(y))", "torch.maximum(torch.abs(x), y)"),
        ("x - y", "y - x"),
        ("x * x", "x * y"),
    ],
)
def test_names_numbers_and_order_make_no_new_kernel(one, other):
    assert make_key(reference(one)) == make_key(reference(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x + y", "x - y"),
        ("torch.relu(x)", "torch.abs(x)"),
        ("x - torch.abs(y)", "torch.abs(x) - y"),
        ("torch.sum(x, dim=-1)", "torch.mean(x, dim=-1)"),
    ],
)
def test_other_operations_make_another_kernel(one, other):
    assert make_key(reference(one)) != make_key(reference(other))


@pytest.mark.parametrize("text", ["", "def", "x\x00", "'\ud800'", "(" * 3000, "a" * 10_000])
def test_a_broken_reference_is_its_own_key(text):
    row = {"reference": text, "inputs": []}
    assert make_key(row) == text
    assert read_problem(row) is None
    assert TRITON_KERNELS.write_gold(row) is None


def test_generated_rows_are_read_back_to_the_problem_that_made_them():
    rng = random.Random(0)
    for _ in range(300):
        problem = sample_problem(rng)
        assert read_problem(problem.row()) == problem
        assert write_torch(read_torch(write_torch(problem.expression))) == write_torch(
            problem.expression
        )


def test_every_operation_and_reduction_is_drawn():
    rows = TRITON_KERNELS_EASY.make_rows("train", 600, 0)
    problems = [read_problem(row) for row in rows]
    used = {part.operation for problem in problems for part in problem.expression.walk()}
    assert used == {*OPERATIONS, "input", "number"}
    assert {problem.reduction for problem in problems} == {"", "sum", "mean", "amax"}
    assert {len(problem.inputs) for problem in problems} == {1, 2, 3}


def test_an_expression_is_the_same_in_both_languages():
    x, y = make_input("x"), make_input("y")
    both = apply("scale", apply("sub", apply("relu", x), apply("square", y)), make_number("2.0"))
    assert write_torch(both) == "(torch.relu(x) - torch.square(y)) * 2.0"
    assert write_triton(both) == "(tl.maximum(x, 0.0) - (y * y)) * 2.0"
    clamped = apply("clamp", x, make_number("-1.0"), make_number("1.0"))
    assert write_torch(clamped) == "torch.clamp(x, -1.0, 1.0)"
    assert write_triton(clamped) == "tl.minimum(tl.maximum(x, -1.0), 1.0)"
    assert read_torch("x.relu()") is None


def test_gold_kernels_are_short():
    for row in TRITON_KERNELS_EASY.make_rows("train", 200, 0):
        assert len(write_kernel(read_problem(row))) < 650


def test_inputs_are_read_as_people_write_them():
    assert read_inputs(" float32[4, n] int64[7] float32[]\n") == [
        {"shape": [4, "n"], "dtype": "float32"},
        {"shape": [7], "dtype": "int64"},
        {"shape": [], "dtype": "float32"},
    ]


def test_the_prompt_is_short_and_says_what_the_rewards_want():
    system, user = TRITON_KERNELS.prompt(EXAMPLES["train"][8].row)
    for word in ("<triton_code>", "@triton.jit", "triton.language as tl", "mask", "torch.zeros"):
        assert word in system["content"]
    assert len(system["content"].split()) < 80
    assert user["content"] == (
        "Rewrite f with a Triton kernel.\n"
        "import torch\nimport torch.nn.functional as F\n\n\n"
        "def f(x):\n    return F.layer_norm(x, x.shape[-1:])\n"
        "Inputs: float32[4, n]"
    )


@pytest.mark.parametrize("task", TASKS, ids=NAMES)
def test_no_known_cheat_earns_anything_but_for_its_form(task):
    rows = [*task.make_rows("train", 2, 0), task.example_row]
    cases = [(row, text) for row in rows for text in task.cheats(row).values()]
    batch = Batch(
        [task.prompt(row) for row, _ in cases],
        [text for _, text in cases],
        [row for row, _ in cases],
    )
    with Scorer(task.reward_set) as scorer:
        samples = scorer.score(batch).samples
    assert len(samples) == 27
    for sample in samples:
        assert sample.scores["correctness"] == 0.0, sample.reasons
        assert not sample.flags or sample.reward == 0.0
    assert sum(bool(sample.flags) for sample in samples) >= 21


def test_a_naive_reward_set_pays_the_cheats_and_still_flags_them():
    row = TRITON_KERNELS_EASY.example_row
    cheat = TRITON_KERNELS_EASY.cheats(row)["torch's result, copied by the kernel"]
    with Scorer(NAIVE_REWARDS) as scorer:
        [sample] = scorer.score(Batch([[]], [cheat], [row])).samples
    assert sample.scores["correctness"] == 1.0
    assert "torch_computation" in sample.flags
    assert sample.reward == 1.0


def test_a_reference_that_cannot_be_read_has_no_cheats():
    for text in ("", "def", "def g(x):\n    return x\n", "def f():\n    return 1\n", "a" * 9000):
        assert TRITON_KERNELS.cheats({"reference": text, "inputs": []}) == {}
