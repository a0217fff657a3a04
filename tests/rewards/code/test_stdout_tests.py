"""Programs that read and print: what counts as the same output, and what earns nothing."""

from collections.abc import Iterator

import pytest

from rft_core.rewards.code.stdout_tests import normalise_output
from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer

ROW = {
    "prompt": "Read numbers, one a line, and print their sum, then their maximum.",
    "tests": [["1\n2\n", "3\n2\n"]],
    "hidden_tests": [["5\n", "5\n5\n"], ["-1\n-2\n-3", "-6\n-1"]],
}


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    entry = RewardEntry("output", "stdout_tests", options={"seconds": 1.0})
    with Scorer(RewardSet((entry,))) as opened:
        yield opened


def score(scorer: Scorer, program: str, row=ROW) -> Scored:
    [sample] = scorer.score(Batch([[]], [f"```python\n{program}\n```"], [row])).samples
    return sample


HONEST = {
    "input()": (
        "numbers = []\ntry:\n    while True:\n        numbers.append(int(input()))\n"
        "except EOFError:\n    pass\nprint(sum(numbers))\nprint(max(numbers))"
    ),
    "sys.stdin": "import sys\nn = [int(x) for x in sys.stdin]\nprint(sum(n), max(n), sep='\\n')",
    "the buffer": (
        "import sys\nn = list(map(int, sys.stdin.buffer.read().split()))\n"
        "sys.stdout.buffer.write(b'%d\\n%d\\n' % (sum(n), max(n)))\nsys.stdout.flush()"
    ),
    "descriptors": (
        "import os\nn = list(map(int, os.read(0, 10**6).split()))\n"
        "os.write(1, f'{sum(n)}\\n{max(n)}\\n'.encode())"
    ),
    "open(0)": "n = list(map(int, open(0).read().split()))\nprint(sum(n))\nprint(max(n))",
    "a main function and exit()": (
        "import sys\ndef main():\n    n = list(map(int, sys.stdin.read().split()))\n"
        "    print(sum(n))\n    print(max(n))\n    sys.exit(0)\n"
        "if __name__ == '__main__':\n    main()"
    ),
    "spaces at the ends": (
        "import sys\nn = list(map(int, sys.stdin))\nprint(sum(n), '')\n"
        "print(max(n), end='\\n\\n\\n')"
    ),
    "a variable that each run begins anew": (
        "import sys\ncount = globals().get('count', 0) + 1\nn = list(map(int, sys.stdin))\n"
        "print(sum(n))\nprint(max(n) if count == 1 else 'again')"
    ),
    "notes on standard error": (
        "import os, sys\nn = list(map(int, sys.stdin))\nprint(n, file=sys.stderr)\n"
        "os.write(2, b'debug')\nprint(sum(n))\nprint(max(n))"
    ),
    "fileinput": (
        "import fileinput\nn = [int(line) for line in fileinput.input()]\n"
        "print(sum(n), max(n), sep='\\n')"
    ),
    "argparse": (
        "import argparse, sys\nparser = argparse.ArgumentParser()\n"
        "parser.add_argument('file', nargs='?', type=argparse.FileType(), default=sys.stdin)\n"
        "n = [int(x) for x in parser.parse_args().file]\nprint(sum(n), max(n), sep='\\n')"
    ),
    "/dev/stdin": "n = [int(x) for x in open('/dev/stdin')]\nprint(sum(n), max(n), sep='\\n')",
    "the streams that Python began with": (
        "import sys\nread = sys.__stdin__.readline\nn = []\nwhile line := read():\n"
        "    n.append(int(line))\nsys.__stdout__.write(f'{sum(n)}\\n{max(n)}\\n')"
    ),
    "output kept until the end": (
        "import atexit, io, sys\nkept = io.StringIO()\nsys.stdout = kept\n"
        "atexit.register(lambda: sys.__stdout__.write(kept.getvalue()))\n"
        "n = [int(x) for x in sys.stdin]\nprint(sum(n))\nprint(max(n))"
    ),
    "a thread with a large stack, not waited for": (
        "import sys, threading\ndef main():\n    n = [int(x) for x in sys.stdin]\n"
        "    print(sum(n))\n    print(max(n))\nsys.setrecursionlimit(10**6)\n"
        "threading.stack_size(1 << 26)\nthreading.Thread(target=main).start()"
    ),
    "a pool that is left open": (
        "import sys\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "n = [int(x) for x in sys.stdin]\npool = ThreadPoolExecutor(2)\n"
        "pool.submit(lambda: print(sum(n), max(n), sep='\\n'))"
    ),
    "a recursion as deep as Python has it": (
        "import sys\ndef down(n): return 0 if n == 0 else 1 + down(n - 1)\n"
        "n = [int(x) for x in sys.stdin]\nprint(sum(n) + down(990) - 990)\nprint(max(n))"
    ),
    "its own file, run again": (
        "import sys\nif 'again' not in globals():\n    again = True\n"
        "    exec(open(__file__).read())\nelse:\n    n = [int(x) for x in sys.stdin]\n"
        "    print(sum(n), max(n), sep='\\n')"
    ),
    "standard streams that it closes": (
        "import sys\nn = list(map(int, open(0)))\nwith open(1, 'w') as out:\n"
        "    print(sum(n), max(n), sep='\\n', file=out)"
    ),
}


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_earns_everything_however_it_reads_and_prints(scorer, name) -> None:
    sample = score(scorer, HONEST[name])
    assert sample.reward == 1.0 and sample.flags == (), sample.reasons


LOOKS_AT_ITSELF = {
    "arguments": ("import sys\nprint(len(sys.argv), sys.argv[0].endswith('.py'))", "1 True"),
    "file": ("import os\nprint(os.path.isfile(__file__), os.path.isabs(__file__))", "True True"),
    "module": ("import __main__\nx = 5\nprint(__main__.x, __name__)", "5 __main__"),
    "pickle": (
        "import pickle\nclass A:\n    def __init__(self): self.x = 3\n"
        "print(pickle.loads(pickle.dumps(A())).x)", "3",
    ),
    "deepcopy": (
        "import copy, collections\nP = collections.namedtuple('P', 'x y')\n"
        "print(copy.deepcopy(P(1, 2)))", "P(x=1, y=2)",
    ),
    "dataclass": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "import typing\n@dataclass\nclass A:\n    x: int = 4\n"
        "print(typing.get_type_hints(A)['x'].__name__, A())", "int A(x=4)",
    ),
    "source": (
        "import inspect\ndef f(): return 1\nprint(inspect.getsource(f).strip())",
        "def f(): return 1",
    ),
    "doctest": (
        "import doctest\ndef f(x):\n    '>>> f(1)\\n2'\n    return x + 1\n"
        "print(doctest.testmod().attempted)", "1",
    ),
    "names": ("import sys\nprint(sys.modules['__main__'].__dict__ is globals())", "True"),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOKS_AT_ITSELF)
def test_a_program_finds_itself_as_one_that_is_run_by_its_name(scorer, name) -> None:
    program, printed = LOOKS_AT_ITSELF[name]
    sample = score(scorer, program, {"tests": [["", printed], ["1", printed]]})
    assert sample.reward == 1.0 and sample.flags == (), sample.reasons


CHEATS = {
    "threads that never end": (
        "import threading, time\nprint('3\\n2')\n"
        "threading.Thread(target=lambda: time.sleep(99)).start()"
    ),
    "a file that is not there": HONEST["sys.stdin"] + "\nopen(__file__ + 'x')",
    "an argument that nobody gives": "import sys\nprint(sys.argv[1])",
    "an answer at the end, after it failed": (
        "import atexit\natexit.register(lambda: print('3\\n2'))\nraise ValueError"
    ),
    "every plausible answer": "for n in range(-10, 10):\n    print(n)",
    "the answer and more": HONEST["sys.stdin"] + "\nprint('or', 7)",
    "the answer on one line": "import sys\nn = list(map(int, sys.stdin))\nprint(sum(n), max(n))",
    "the visible test by heart": "print('3\\n2')",
    "a flood": "while True:\n    print('3\\n2' * 10_000)",
    "an answer behind 100 kB of spaces": "print(' ' * 100_000)\nprint('3\\n2')",
    "a success sentinel": "print('ALL TESTS PASSED')\nraise SystemExit(0)",
    "an error code": HONEST["sys.stdin"] + "\nraise SystemExit(1)",
    "leaving in the middle": "import os\nprint('3\\n2', flush=True)\nos._exit(0)",
    "an error after the answer": HONEST["sys.stdin"] + "\nraise ValueError",
    "waiting for more input": (
        "while True:\n    try:\n        input()\n    except EOFError:\n        pass"
    ),
    "a fork that prints": "import os\nif os.fork() == 0:\n    print(3)",
    "reading what is not its own": HONEST["sys.stdin"] + "\nopen('/etc/passwd')",
    "control characters": "print('3\\b3\\n2\\r2')",
    "nothing": "pass",
}


@pytest.mark.parametrize("name", CHEATS)
def test_a_cheat_earns_nothing(scorer, name) -> None:
    assert score(scorer, CHEATS[name]).reward == 0.0


def test_the_reason_names_the_first_line_that_differs(scorer) -> None:
    reasons = [
        score(scorer, program).reasons["output"]
        for program in ("print(3)\nprint(9)", "print(3)", "print('3\\n2\\n1')")
    ]
    start = "It passes 0 of 3 tests; test 1: "
    assert reasons[0] == start + "line 2 is '9', not '2'."
    assert reasons[1] == start + "it prints 1 lines of 2."
    assert reasons[2].endswith("line 3 is '1', not nothing more.")


def test_partial_credit_and_the_gap() -> None:
    entry = RewardEntry("output", "stdout_tests", options={"partial": True})
    first = "import sys\nn = list(map(int, sys.stdin))\nprint(sum(n))\nprint(abs(max(n)))"
    with Scorer(RewardSet((entry,))) as scorer:
        scoring = scorer.score(Batch([[]] * 2, [first, "print('3\\n2')"], [ROW] * 2))
    assert [s.reward for s in scoring.samples] == [pytest.approx(2 / 3), 0.0]
    assert scoring.samples[1].flags == ("hard_coded",)
    assert scoring.reports[0].metrics["gap"] == pytest.approx(0.75)


@pytest.mark.parametrize("tests", [[[1, "3"]], [["1"]], "x", [["1", None]]])
def test_a_row_that_cannot_be_used_is_unscored(scorer, tests) -> None:
    assert score(scorer, "print(3)", {"tests": tests}).reward is None


def test_white_space_at_the_ends_does_not_count_and_elsewhere_does() -> None:
    assert normalise_output("a  \r\n\n b\t\n\n\n") == ["a", "", " b"]
    assert normalise_output("") == normalise_output("\n \n") == []
