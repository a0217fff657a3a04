"""Programs that are only wrong, or garbled, or made to be slow: no cheats, and no trouble."""

import random
import re
from collections.abc import Callable
from itertools import pairwise

import pytest

from rft_core.rewards.triton.format import grade_triton_format
from rft_core.rewards.triton.reading import find_violations
from rft_core.rewards.triton.source import read_code
from rft_core.tasks.triton.kernels import wrap
from tests.rewards.triton.kernel_case_files import LAUNCH, PLAIN, ROW, flags_of, list_cases
from tests.work import lines_run

CHEATS, HONEST = list_cases("cheats"), list_cases("honest")
WORD = re.compile(r"\w+|\s+|[^\w\s]")


MISTAKES = {
    "no decorator": ("@triton.jit\n", ""),
    "triton.language is not imported": ("import triton.language as tl\n", ""),
    "triton is not imported": ("import triton\n", ""),
    "torch is not imported": ("import torch\n", ""),
    "no mask": (", mask=mask", ""),
    "an unknown operation": ("x + y, mask", "tl.plus(x, y), mask"),
    "an unknown name in the kernel": ("x + y, mask", "z.to(tl.float32), mask"),
    "an unknown name on the host": ("    y = y.cont", "    y = z.cont"),
    "an unknown function on the host": ("triton.cdiv(n, 128)", "cdiv(n, 128)"),
    "no result": ("return out", "return"),
    "no f": ("def f(", "def g("),
}


@pytest.mark.parametrize(("old", "new"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_that_must_fail_is_no_cheat(old, new):
    assert old in PLAIN.code
    assert flags_of(PLAIN.code.replace(old, new)) == []


def names(size: int) -> list[str]:
    return [f"v{number}" for number in range(size)]


HOSTILE: dict[str, tuple[int, Callable[[int], str]]] = {  # the most that is read of each
    "backward copies": (900, lambda n: "".join(f"    {a} = {b}\n" for a, b in pairwise(names(n)))),
    "nested loops": (
        66,
        lambda n: (
            "".join(f"{' ' * (4 + k)}for a{k} in b:\n" for k in range(n)) + " " * (n + 5) + "a"
        ),
    ),
    "many inner functions": (
        600,
        lambda n: "".join(f"    g{k} = lambda: g{k + 1}()\n" for k in range(n)),
    ),
    "many calls": (50, lambda n: "    a = " + "f(" * n + ")" * n + "\n"),
    "one long sum": (70, lambda n: "    a = " + " + ".join(["x"] * n) + "\n"),
    "many names at once": (900, lambda n: "    " + " = ".join(names(n)) + " = x\n"),
}


@pytest.mark.parametrize(("size", "write"), HOSTILE.values(), ids=HOSTILE.keys())
def test_the_work_grows_as_the_length_of_a_hostile_program(size, write):
    def work(size: int) -> int:
        code = PLAIN.code.replace(LAUNCH, write(size).rstrip() + "\n" + LAUNCH)
        assert not read_code(code).problem
        return lines_run(lambda: find_violations(read_code(code), ROW))

    assert work(size) < 3 * work(size // 2)  # twice as much, not four times


def test_garbled_programs_are_read_without_an_error():
    rng = random.Random(3)
    words_of_all = [word for case in CHEATS + HONEST for word in WORD.findall(case.code)]
    read = 0
    for _ in range(1000):
        case = rng.choice(HONEST)
        garbled = WORD.findall(case.code)
        for _ in range(rng.randint(1, 3)):
            place = rng.randrange(len(garbled))
            garbled[place] = rng.choice((rng.choice(words_of_all), "", "()"))
        source = read_code("".join(garbled))
        read += not source.problem
        find_violations(source, case.row)
        assert 0 <= grade_triton_format(wrap(source.code), case.row).score <= 1
    assert read > 100
