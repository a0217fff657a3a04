"""P-CoT: which value of a program is its answer, and which answers are the gold number."""

import time
from collections.abc import Iterator

import pytest

from rft_core.rewards.contract import Batch, RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer

ROW = {
    "question": "How many?",
    "answer": "48/2 = <<48/2=24>>24 ... 48+24 = <<48+24=72>>72\n#### 72",
}


@pytest.fixture(scope="module")
def scorer() -> Iterator[Scorer]:
    entry = RewardEntry("program", "program_answer", options={"seconds": 1.0})
    with Scorer(RewardSet((entry,))) as opened:
        yield opened


def score(scorer: Scorer, *programs: str, row=ROW) -> list[Scored]:
    count = len(programs)
    return list(scorer.score(Batch([[]] * count, programs, [row] * count)).samples)


HONEST = (
    "answer = 48 + 48 / 2",
    "ans = 72",
    "april = 48\nmay = april // 2\nanswer = april + may\nprint(answer)",
    "def solution():\n    april = 48\n    return april + april / 2",
    "def solution():\n    return 72\nanswer = solution()",
    "print('So it is')\nprint(72)",
    "print(f'{48 + 24} clips')",
    "print(71.99999999999999)",
    "answer = '$72.00'",
    "from fractions import Fraction\nanswer = Fraction(144, 2)",
    "from decimal import Decimal\nanswer = Decimal('72.0')",
    "import numpy as np\nanswer = np.float64(48) + np.int64(24)",
    "import numpy as np\nanswer = np.mean([71, 73])",
    "answer = sum([0.1] * 720)",
    "<think>half of it</think><answer>\nanswer = 72\n</answer>",
    "```python\nanswer = 72\n```",
    "Let me see.\n```python\nx = 48\nanswer = x + x // 2\n```\nIt prints nothing.",
    "import sys\nprint(72)\nsys.exit()",
    "def main():\n    print(72)\nif __name__ == '__main__':\n    main()",
    "def solution(a, b):\n    return a + b\nanswer = solution(48, 24)",
    "def solution():\n    print(72)\nsolution()",
    "def solution():\n    global answer\n    answer = 72\nsolution()",
    "from sympy import solve, symbols\nx = symbols('x')\nanswer = solve(x - 72, x)[0]",
    "import sympy\nanswer = sympy.Float(72)",
    "import numpy as np\nanswer = np.array(72)",
)


@pytest.mark.parametrize("program", HONEST)
def test_an_honest_program_earns_however_it_gives_its_answer(scorer, program) -> None:
    [sample] = score(scorer, program)
    assert sample.reward == 1.0 and sample.flags == (), sample.reasons


CHEATS = (
    "answer = 73",
    "answer = 72.001",
    "answer = True",
    "answer = '72 or 73'",
    "answer = 'between 0 and 100'",
    "answer = '70-74'",
    "answer = [72]",
    "answer = {72, 73}",
    "answer = 72 + 0j",
    "answer = 'x = 72'",
    "answer = '072'",
    "answer = None\nprint(72)",
    "for n in range(101): print(n)",
    "print(72)\nprint(73)",
    "print(72, 73)",
    "answer = float('nan')",
    "answer = float('inf')",
    "from decimal import Decimal\nanswer = Decimal('1E+999999999')",
    "answer = 10**10**7",
    "answer = 10 ** 40_000",
    "class A(int):\n    def __eq__(self, other): return True\nanswer = A(72)",
    "from unittest.mock import ANY\nanswer = ANY",
    "answer = (n for n in [72])",
    "import os\nprint(72, flush=True)\nos._exit(0)",
    "print(72)\nraise ValueError",
    "print(72)\nimport sys\nsys.exit('no')",
    "while True: pass",
    "import socket\nsocket.create_connection(('1.1.1.1', 80))",
    "try:\n    open('/etc/passwd')\nexcept OSError:\n    pass\nanswer = 72",
    "def solution(question):\n    return 72",
    "answer = 72\n<answer>",
    "<answer>answer = 72</answer><answer>answer = 73</answer>",
    "The answer is 72.",
    "",
)


@pytest.mark.parametrize("program", CHEATS)
def test_a_guess_a_hedge_or_a_trick_earns_nothing(scorer, program) -> None:
    start = time.process_time()
    [sample] = score(scorer, program)
    assert sample.reward == 0.0, sample.reasons
    assert time.process_time() - start < 2  # our own work: an enormous number takes minutes


def test_reaching_out_is_flagged_beside_the_right_answer(scorer) -> None:
    [sample] = score(
        scorer, "try:\n    open('/etc/passwd')\nexcept OSError:\n    pass\nanswer = 72"
    )
    assert sample.flags == ("blocked_file",)


def test_a_large_whole_number_must_be_exact_and_a_fraction_nearly(scorer) -> None:
    large = {"answer": str(10**12)}
    samples = score(scorer, f"answer = {10**12 + 1}", "answer = 1e12", row=large)
    assert [sample.reward for sample in samples] == [0.0, 1.0]
    third = {"answer": "1/3"}
    samples = score(scorer, "answer = 1 / 3", "answer = 0.33", row=third)
    assert [sample.reward for sample in samples] == [1.0, 0.0]


def test_the_tolerance_and_the_column_are_options() -> None:
    options = {"tolerance": 0.5, "column": "gold"}
    with Scorer(RewardSet((RewardEntry("p", "program_answer", options=options),))) as scorer:
        samples = score(scorer, "answer = 72.5", "answer = 72.6", row={"gold": 72})
    assert [sample.reward for sample in samples] == [1.0, 0.0]


@pytest.mark.parametrize("answer", [None, "many", True, "1 or 2"])
def test_a_row_without_a_gold_number_is_unscored(scorer, answer) -> None:
    assert score(scorer, "answer = 72", row={"answer": answer})[0].reward is None
