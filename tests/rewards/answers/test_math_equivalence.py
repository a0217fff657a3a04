"""math-verify, tamed: other forms of the right answer earn, hedges and bombs do not."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.sandbox.kept_session import KeptSession
from tests.rewards.scoring_cases import make_batch

ROOT = Path(__file__).resolve().parents[3]
MATH = RewardSet((RewardEntry("m", "math_equivalence"),))


@pytest.fixture(scope="module")
def scorer():
    with Scorer(MATH, timeout=60) as scorer:
        yield scorer


def score(scorer: Scorer, gold, *answers: str) -> list[Scored]:
    texts = [f"<think>so</think><answer>{answer}</answer>" for answer in answers]
    return list(scorer.score(make_batch(*texts, rows=[{"answer": gold}] * len(texts))).samples)


HONEST = [
    ("1/2", ["0.5", ".5", r"\frac{1}{2}", r"$\dfrac{1}{2}$", r"\boxed{\frac12}", "2/4", "x = 1/2"]),
    (r"\frac{1}{2}", ["1/2", "0.5", r"\frac 1 2"]),
    ("50", ["50", "50.0", r"\boxed{50}", "$50$", "100/2", "x=50", "50.", r"50\text{ cm}", "5e1",
            r"5 \times 10^1", "50 clips", "+50", "(50)", "**50**", "`50`", r"\(50\)", "50 km/h"]),
    ("1234", ["1,234", "1{,}234", r"1\,234", "1234", r"\$1,234"]),
    ("#### 72", ["72", "72.0"]),
    (-3, ["-3", "−3", r"-\frac{6}{2}"]),
    (r"2\sqrt{3}", [r"\sqrt{12}", r"2 \sqrt{3}", r"2\cdot\sqrt{3}", "2√3", "2·√3"]),
    (r"3\pi", [r"3 \pi", r"\pi \cdot 3", "3*pi", "3π"]),
    (r"90^\circ", ["90°", r"90^\circ", "90"]),
    ("2", [r"\sqrt[3]{8}", "2^1", r"\log_{10}(100)"]),
    ("x^2+2x+1", ["(x+1)^2", "1 + 2x + x^2", "x**2 + 2*x + 1"]),
    (r"\{1,2\}", [r"\{2, 1\}", r"\left\{1,2\right\}"]),
    ("[0,1)", ["[0, 1)", r"\left[0,1\right)"]),
    (r"(-\infty, 2]", [r"(-\infty,2]"]),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", [r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}"]),
    (r"\pm 5", [r"\pm 5"]),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "answers"), HONEST, ids=[str(gold) for gold, _ in HONEST])
def test_every_form_of_the_right_answer_earns(scorer, gold, answers):
    for answer, sample in zip(answers, score(scorer, gold, *answers), strict=True):
        assert sample.reward == 1.0, (answer, sample.reasons)


CHEATS = [
    ("50", ["51", "", " ", "50+0*y", r"\text{answer}", r"\text{50 or 51}", "1 or 2 or 50",
            "between 0 and 100", "[0,100]", "(0,100)", r"\{50\}", r"\{1,50\}", r"x \in [0,100]",
            "x > 49", r"\pm 50", "50, 51", "50 51", "15+35=50", "50=50", "51=50", "50 = x",
            "50 or 51", r"50} or \boxed{51", r"50 \text{ or } 51",
            r"\approx 50", r"50\text{ or }", "y", "answer", "fifty", r"\infty", "50 | 51", "50;51",
            r"\boxed{\text{answer}}", "50/0", "0/0", "1/0", "nan", "inf", r"\frac{50}{1", "50!",
            "https://50.50", "50?", "5 0", "050", "0050.0", "--50", "+-50", r"5\ 0", "∞",
            "<think>50</think>"]),
    ("x^2", ["x", "y^2", "x^2 + y - y", "x^2=x^2", "4", r"\{x^2\}", ""]),
    (r"\{1,2\}", ["1", "1,3", r"\{1,2,3\}", r"\{1\}", "[1,2]", r"\mathbb{R}"]),
    ("[0,1)", ["[0,1]", "(0,1)", "0", r"\mathbb{R}", "[0,2)"]),
    ("0.3333", ["1/3"]),
    (r"\frac{1}{3}", ["0.33", "300001/900000"]),
]  # fmt: skip


@pytest.mark.parametrize(("gold", "answers"), CHEATS, ids=[str(gold) for gold, _ in CHEATS])
def test_no_hedge_and_no_trick_earns(scorer, gold, answers):
    for answer, sample in zip(answers, score(scorer, gold, *answers), strict=True):
        assert sample.reward == 0.0, (answer, sample.reasons)


BOMBS = [
    "9**9**9", "99999999**99999999", "9^{9^{9^9}}", "9^{99999999}", "((9^{99})^{99})^{99}",
    "10^{10^{10}}", "100000000!", "(9!)!", "9!!!!", "(" * 100_000, "(" * 120 + "1" + ")" * 120,
    "9" * 5000, r"\frac{1}{" * 40 + "2" + "}" * 40, r"\sqrt{" * 45 + "2" + "}" * 45,
    "2^{9999}-2^{9998}-2^{9997}", r"\sum_{k=1}^{10^9} k", r"\int_0^1 x^{x^x} dx",
    "*".join("7" * 99),
]  # fmt: skip


@pytest.mark.parametrize("gold", ["50", "x^2"])
def test_bombs_are_wrong_answers_and_cost_little(scorer, gold, monkeypatch):
    charged = []

    def call(session, *arguments):
        reply = ask(session, *arguments)
        charged.append(reply.seconds)  # without those in which it waited for a processor
        return reply

    ask = KeptSession.call
    monkeypatch.setattr(KeptSession, "call", call)
    for bomb in BOMBS:
        charged.clear()
        bombed, fine = score(scorer, gold, bomb, gold)
        assert 0 < sum(charged) < 2.5, bomb
        assert bombed.reward == 0.0, bomb
        assert fine.reward == 1.0


TOWERS = [
    "9^{9^9}", "9^{9^{9}}", "(9^9)^{9^9}", "9^{(9^9)}", "9^{9^{\\sqrt{81}}}", "9^{1e9}", "2^{-9^9}",
    "9^{9^{9^{9^9}}}", r"\sqrt{9^{9^9}}", r"\log_{2}(9^{9^9})", "1/(9^{9^{9}})", "9^{9.0^9}",
]  # fmt: skip


@pytest.mark.parametrize("tower", TOWERS)
def test_a_tower_of_powers_is_refused_before_anything_computes(scorer, tower):
    bombed, fine = score(scorer, "50", tower, "50")
    assert (bombed.reward, bombed.flags) == (0.0, ("huge_number",))
    assert fine.reward == 1.0


@pytest.mark.parametrize(
    ("gold", "answer"),
    [("256", "2^{2^3}"), ("e^{-x^2}", "e^{-(x^2)}"), ("e^{-x^2/2}", r"e^{-\frac{x^2}{2}}"),
     ("e^{e^x}", r"\exp(e^x)"), ("512", r"2^{3^2}"), ("8", r"2^{\frac{6}{2}}")],
)  # fmt: skip
def test_an_exponent_with_a_power_may_be_honest(scorer, gold, answer):
    assert score(scorer, gold, answer)[0].reward == 1.0


def test_slow_answers_take_no_time_from_those_that_come_after_them():
    texts = [f"<answer>{answer}</answer>" for answer in ["(x+1)^{9999}"] * 4 + ["x*x"]]
    with Scorer(MATH, timeout=3) as scorer:
        samples = scorer.score(make_batch(*texts, rows=[{"answer": "x^2"}] * 5)).samples
    assert [sample.reward for sample in samples] == [0.0] * 4 + [1.0]
    assert samples[0].flags == ("slow_answer",)


@pytest.mark.parametrize("gold", [None, True, "", r"\text{even}", "the cat", "9**9**9", [], {}])
def test_a_gold_answer_that_is_no_mathematics_is_unscored(scorer, gold):
    assert score(scorer, gold, "50")[0].reward is None


def test_off_the_main_thread_the_scores_are_the_same():
    answers = ["0.5", r"\frac{2}{4}", "1/3", "9**9**9", r"\{0.5\}"]
    results = {}

    def work(name: str) -> None:
        with Scorer(MATH, timeout=60) as scorer:
            results[name] = [s.reward for s in score(scorer, r"\frac{1}{2}", *answers)]

    thread = threading.Thread(target=work, args=("thread",))
    thread.start()
    thread.join()
    work("main")
    assert results["thread"] == results["main"] == [1.0, 1.0, 0.0, 0.0, 0.0]


PROBE = """
import sys
from sympy import S, sympify
from rft_core.rewards.answers import math_comparison

assert S("3/2") * 2 == 3 and S("x").name == "x"
for text in sys.argv[1:]:
    try:
        sympify(text)
    except ValueError as error:
        assert "texts are not run" in str(error), error
    else:
        raise AssertionError(text)
"""


CODE = ["__import__('os').getpid()", "().__class__", "x.args", "f(1)", "Symbol('x').args"]


def test_no_text_is_run_as_python_by_sympy():
    command = [sys.executable, "-c", PROBE, *CODE]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stderr
