"""A completion's program is found and taken apart without being run, whatever stands in it."""

import pytest

from rft_core.rewards.triton.source import LONGEST_CODE, find_code, read_code, read_completion
from rft_core.tasks.triton.kernels import wrap
from tests.work import cpu_seconds

CODE = """\
from __future__ import annotations
import torch as th
import triton
from triton import autotune, language as tl

SIZE = 128
LIMIT: int = 3

def helper(n):
    return n

@triton.jit
def inner(x):
    return x

@autotune(configs=[triton.Config({})], key=[])
@triton.jit(noinline=True)
def kernel(x_ptr):
    tl.store(x_ptr, inner(1.0))

def f(x):
    kernel[(helper(1),)](x)
    return x
"""


def test_a_program_is_taken_apart():
    source = read_completion(f"<think>First ...</think>\n{wrap(CODE)}\n")
    assert source.problem == ""
    assert source.code == CODE
    assert list(source.kernels) == ["inner", "kernel"]
    assert list(source.hosts) == ["helper", "f"]
    assert list(source.constants) == ["SIZE", "LIMIT"]
    assert source.entry and source.entry.name == "f"
    assert source.imports == {
        "annotations": "__future__.annotations",
        "th": "torch",
        "triton": "triton",
        "autotune": "triton.autotune",
        "tl": "triton.language",
    }
    assert source.reachable == {"f", "helper", "kernel", "inner"}


def test_a_fence_inside_of_the_tags_is_dropped():
    for fence in ("```python", "```py", "```"):
        assert find_code(wrap(f"{fence}\n{CODE}```\n")).code == CODE
    assert "```" in find_code(wrap(f"```sh\n{CODE}```\n")).code


@pytest.mark.parametrize(
    ("completion", "problem"),
    [
        ("", "no <triton_code>"),
        (CODE, "no <triton_code>"),
        ("<triton_code>" + CODE, "no <triton_code>"),
        (CODE + "</triton_code>", "no <triton_code>"),
        ("</triton_code>" + CODE + "<triton_code>", "no <triton_code>"),
        (wrap(CODE) * 2, "2 <triton_code> blocks"),
        (wrap("# <triton_code>"), "2 <triton_code> blocks"),
        ("<triton_code>" * 50, "50 <triton_code> blocks"),
        (wrap(wrap(CODE)), "2 <triton_code> blocks"),
        ("a" * 300_000, "too many"),
    ],
)
def test_only_one_block_counts(completion, problem):
    assert problem in read_completion(completion).problem


def test_copied_tags_are_flagged():
    assert read_completion(wrap(CODE) * 50).flags == ("repeated_tags",)


HOSTILE = {
    "a NUL": "x = 1\x00",
    "a lone surrogate": "x = '\ud800'",
    "9000 signs": "x = " + "-" * 9000 + "1",
    "9000 brackets": "(" * 9000,
    "9000 closed brackets": "(" * 9000 + ")" * 9000,
    "many nots": "x = " + "not " * 4000 + "1",
    "many attributes": "a" + ".a" * 6000,
    "a long sum": "x = " + "+".join("a" * 6000),
    "many powers": "x = " + "a**" * 5000 + "1",
    "many lambdas": "x = " + "lambda:" * 2500 + "1",
    "many conditions": "x = " + "1 if 1 else " * 1500 + "1",
    "deep blocks": "".join(" " * k + "if 1:\n" for k in range(95)) + " " * 96 + "pass",
    "a huge number": "x = " + "9" * 10_000,
    "a line of 1 MB": "x = '" + "a" * 1_000_000 + "'",
    "too long": "x = 1\n" * 5000,
    "a broken indent": "if 1:\nx = 1",
    "words": "Here is the kernel you asked for.",
}


@pytest.mark.parametrize("code", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_code_is_a_problem_in_words(code):
    source = read_code(code)
    assert source.problem
    assert not source.kernels and not source.hosts
    longest = CODE + "x = 1\n" * ((LONGEST_CODE - len(CODE)) // 6)
    honest = cpu_seconds(lambda: read_code(longest))
    assert not read_code(longest).problem
    assert cpu_seconds(lambda: read_code(code)) < 10 * honest
