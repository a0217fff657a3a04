"""Programs that are only wrong, or garbled, or made to be slow: no cheats, and no trouble."""

import random
import re
from itertools import pairwise

import pytest

from rft_core.rewards.triton.format import grade_triton_format
from rft_core.rewards.triton.reading import find_violations
from rft_core.rewards.triton.source import read_code
from rft_core.tasks.triton.kernels import wrap
from tests.rewards.triton.kernel_case_files import LAUNCH, PLAIN, ROW, flags_of, list_cases
from tests.work import cpu_seconds

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


NAMES = [f"v{number}" for number in range(900)]
HOSTILE = {
    "backward copies": "".join(f"    {a} = {b}\n" for a, b in pairwise(NAMES)),
    "nested loops": "".join(f"{' ' * k}for a{k} in b:\n" for k in range(4, 70)) + " " * 71 + "a",
    "many inner functions": "".join(f"    g{k} = lambda: g{k + 1}()\n" for k in range(600)),
    "many calls": "    a = " + "f(" * 50 + ")" * 50 + "\n",
    "one long sum": "    a = " + " + ".join(["x"] * 70) + "\n",
    "many names at once": "    " + " = ".join(NAMES) + " = x\n",
}


@pytest.mark.parametrize("lines", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_programs_take_no_time(lines):
    code = PLAIN.code.replace(LAUNCH, lines.rstrip() + "\n" + LAUNCH)
    source = read_code(code)
    assert not source.problem, source.problem
    read = cpu_seconds(lambda: read_code(code))  # by Python's own parser, which is linear
    assert cpu_seconds(lambda: find_violations(read_code(code), ROW)) < 60 * read


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
