"""What is read of a gold answer, whole or not at all, and what counts as the same as it."""

import pytest

from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.scorer import Scorer
from tests.rewards.scoring_cases import make_batch

MATH = RewardSet((RewardEntry("m", "math_equivalence"),))


@pytest.fixture(scope="module")
def scorer():
    with Scorer(MATH, timeout=60) as scorer:
        yield scorer


def score(scorer: Scorer, gold: str, answer: str) -> float | None:
    batch = make_batch(f"<answer>{answer}</answer>", rows=[{"answer": gold}])
    return scorer.score(batch).samples[0].reward


PARTS = [
    ("2112_6", "2112"),
    ("3:1", "3"),
    (r"9\text{ a.m.}", "9"),
    (r"12 \text{ noon}", "12"),
    (r"5 \text{ ft } 3 \text{ in}", "5"),
    (r"2 \text{ h } 30 \text{ min}", "2"),
    (r"12 \text{ cm}, 13 \text{ cm}", "12"),
    (r"30 \mathrm{mph}, 40 \mathrm{mph}", "30"),
    (r"20 \mathrm{ft} x 35 \mathrm{ft}", "20"),
    ("4t", "4"),
    ("7m", "7"),
    ("8h", "8"),
    (r"x = \frac{1}{2}, x = \frac{-1 \pm \sqrt{13}}{4}", r"\frac{1}{2}"),
    (r"50\text{ millions}", "50"),
    ("50", r"50\text{ million}"),
]


@pytest.mark.parametrize(("gold", "answer"), PARTS)
def test_a_part_of_the_gold_answer_is_never_paid(scorer, gold, answer):
    assert score(scorer, gold, answer) == 0.0


AS_TEXT = [
    "2112_6", "3:1", "3:45", r"12 \mathrm{~min}", r"144 \mbox{ m}^3", r"\cfrac{25}{16}", "4t",
    r"|-\sqrt{3}|", r"8\sqrt[10]{2^7}", r"9\text{ a.m.}", r"575\text{ students}", r"\text{Evelyn}",
    r"0.06 \text{ yuan}", r"3,\!110,\!400", r"x^8+x^7+\dots+1", r"0.\overline{3}", r"\approx 3.14",
    r"5 \text{ ft } 3 \text{ in}",
]  # fmt: skip


@pytest.mark.parametrize("gold", AS_TEXT)
def test_what_is_the_gold_answer_letter_for_letter_is_right(scorer, gold):
    assert score(scorer, gold, gold) == 1.0


TINY = [
    (r"6.63 \times 10^{-34}", r"1.00 \times 10^{-34}", 0.0),
    (r"6.63 \times 10^{-34}", r"0.663 \times 10^{-33}", 1.0),
    (r"1.6\times 10^{-19}", r"9.1\times 10^{-31}", 0.0),
    (r"\frac{1}{2^{99}}", r"\frac{1}{2^{98}}", 0.0),
    (r"\frac{1}{2^{99}}", "2^{-99}", 1.0),
]


@pytest.mark.parametrize(("gold", "answer", "wanted"), TINY)
def test_tiny_values_are_compared_by_their_relative_error(scorer, gold, answer, wanted):
    assert score(scorer, gold, answer) == wanted


NAMES = [
    ("x=3, y=4", "x=4, y=3", 0.0),
    ("x=3, y=4", "y=4, x=3", 1.0),
    ("p=3,q=2", "p=2,q=3", 0.0),
    ("x=1, y=2, z=3", "x=3, y=2, z=1", 0.0),
    ("x=1, y=2, z=3", r"z = 3,\, y = \frac{4}{2},\, x = 1", 1.0),
    ("x=3, y=4", "3, 4", 0.0),
    ("x=1, x=2", "1, 2", 1.0),
    ("x=1, x=2", "1", 0.0),
    ("[-2,7]", r"x \in [-2,7]", 1.0),
    ("2x+4y-3=0", r"y=-\frac12x+\frac34", 1.0),
    ("2x+4y-3=0", r"y=-\frac12x+\frac14", 0.0),
    ("(x,y)=(3,4)", "(3,4)", 1.0),
    ("(x,y)=(3,4)", "(4,3)", 0.0),
    ("(x,y)=(3,4)", "x=3, y=4", 1.0),
    ("(x,y)=(3,4)", "(y,x)=(3,4)", 0.0),
    ("(3,4)", "(x,y)=(3,4)", 1.0),
    ("x=3, y=4", "(x,y)=(4,3)", 0.0),
    ("x_{10}=3, y=4", "x_{10}=4, y=3", 0.0),
    ("x_{10}=3, y=4", "y=4, x_{10}=3", 1.0),
    (r"x=3 \text{ and } y=4", "x=4 and y=3", 0.0),
]


@pytest.mark.parametrize(("gold", "answer", "wanted"), NAMES)
def test_values_belong_to_their_names(scorer, gold, answer, wanted):
    assert score(scorer, gold, answer) == wanted


LETTERS = [
    ("A", "a", 0.0),
    ("A", "A", 1.0),
    ("2A", "2a", 0.0),
    ("2A", "A+A", 1.0),
    ("ab", "AB", 0.0),
    ("mc^2", "MC^2", 0.0),
    (r"\frac{A}{B}", r"\frac{a}{b}", 0.0),
    ("R-r", "r-R", 0.0),
    ("R+r", "r+R", 1.0),
    ("A-a", "0", 0.0),
    (r"\pi R^2", r"\pi r^2", 0.0),
    (r"\pi R^2", r"\pi \cdot R \cdot R", 1.0),
    ("GMm/r^2", "Gmm/r^2", 0.0),
    ("GMm/r^2", r"\frac{GMm}{r^2}", 1.0),
    ("E", "e", 0.0),
    ("I", "i", 0.0),
    ("AaBb", "aabb", 0.0),
    (r"\alpha", r"\beta", 0.0),
    ("S_n", "S_{n}", 1.0),
    ("S_n", "s_n", 0.0),
    ("Ax+By+C=0", "By+Ax+C=0", 1.0),
    ("Ax+By+C=0", "ax+by+c=0", 0.0),
    (r"\text{Evelyn}", "EVELYN", 1.0),
    (r"\text{No}", "no", 1.0),
]


@pytest.mark.parametrize(("gold", "answer", "wanted"), LETTERS)
def test_capital_and_small_letters_are_two_variables(scorer, gold, answer, wanted):
    assert (score(scorer, gold, answer) or 0.0) == wanted


UNION = r"(-\infty,3)\cup(5,\infty)"
EITHER = r"x<3 \text{ or } x>5"
INEQUALITIES = [
    (EITHER, UNION, 1.0),
    (UNION, "x>5 or x<3", 1.0),
    (EITHER, r"x<3 \text{ and } x>5", 0.0),
    (UNION, r"x<3 \text{ and } x>5", 0.0),
    (EITHER, "x<3", 0.0),
    (EITHER, "3<x<5", 0.0),
    ("x = 2 or x > 5", r"\{2\}\cup(5,\infty)", 1.0),
    ("x = 2 or x > 5", "x > 5", 0.0),
    (EITHER, r"x<3 \lor x>5", 1.0),
    (EITHER, "y<3 or y>5", 0.0),
    (r"x \le -1 \text{ or } x \ge 1", r"(-\infty,-1]\cup[1,\infty)", 1.0),
    (r"x \le -1 \text{ or } x \ge 1", r"(-\infty,-1)\cup(1,\infty)", 0.0),
    ("3<x<5", "x>3 and x<5", 1.0),
    ("3<x<5", "x>3 or x<5", 0.0),
    ("x < y or x > 2y", "x < y and x > 2y", 0.0),
    ("x < y or x > 2y", "x > 2y or x < y", 1.0),
    ("[-2,7]", r"-2 \le x \le 7", 1.0),
    ("[-2,7]", "-2 ≤ x ≤ 7", 1.0),
    ("[-2,7]", "-2 < x < 7", 0.0),
    (r"(3,\infty)", "x > 3", 1.0),
    (r"(3,\infty)", r"x \ge 3", 0.0),
    ("x > 3", "3", 0.0),
    (r"\emptyset", r"\varnothing", 1.0),
    ("x=1 or x=2", "x=2 and x=1", 1.0),
]


@pytest.mark.parametrize(("gold", "answer", "wanted"), INEQUALITIES)
def test_inequalities_are_the_numbers_that_they_allow(scorer, gold, answer, wanted):
    assert score(scorer, gold, answer) == wanted


SPELLINGS = [
    ("225", r"15\text{ cm}^{2}", 0.0),
    ("15", r"15\text{ cm}^{2}", 1.0),
    ("15", r"15\text{ cm}^2", 1.0),
    ("15", r"15\textrm{ cm}", 1.0),
    ("15", r"15\,\mathrm{m/s}", 1.0),
    ("15", r"15~\text{cm}", 1.0),
    (r"575\text{ students}", "575", 1.0),
    (r"575\text{ students}", "574", 0.0),
    (r"144 \mbox{ m}^3", "144", 1.0),
    ("575 students", "575", 1.0),
    ("5 km", "5", 1.0),
    ("4t", "t*4", 1.0),
    ("2 ab", "2", 0.0),
    ("2 ab", "2ba", 1.0),
    ("7m", "7 m", 1.0),
    ("3110400", r"3,\!110,\!400", 1.0),
    ("32349", r"32,\! 349", 1.0),
    ("(1, 200)", r"(1,\;200)", 1.0),
    ("1200", r"(1,\;200)", 0.0),
    ("1/3", r"0.\overline{3}", 1.0),
    ("1/6", r"0.1\overline{6}", 1.0),
    ("1/6", r"0.\overline{16}", 0.0),
    (r"50\%", "0.5", 1.0),
    (r"50\%", "50", 1.0),
    (r"50\%", "5", 0.0),
    ("5", "5。", 1.0),
    ("18", "18元", 1.0),
    ("18", "18万", 0.0),
    ("18", "￥18", 1.0),
    ("18", "₹18", 1.0),
    ("18", "R$18", 1.0),
    ("18", "HK$18", 1.0),
    ("18", "CHF 18", 1.0),
    ("18", "18 zł", 1.0),
    ("18", "18₫", 1.0),
    ("18", "18;", 1.0),
    ("18", "18!", 0.0),
    ("15", r"15 \;", 1.0),
    ("15", r"15\operatorname{cm}", 1.0),
    ("15", r"15{\rm cm}", 1.0),
    ("15", r"15\text{ m}/\text{s}^2", 1.0),
    ("225", r"15\text{ m}/\text{s}^2", 0.0),
    ("15", r"15 \frac{\text{m}}{\text{s}}", 1.0),
    ("15", r"15\text{ s}^{-1}", 1.0),
    ("15", r"15^{\circ}\text{C}", 1.0),
    ("15", r"15 \degree", 1.0),
    (r"6.02 \times 10^{23}", "602000000000000000000000", 1.0),
    (r"6.02 \times 10^{23}", "60200000000000000000000", 0.0),
    (r"5\text{ cm}", r"5\text{ m}", 0.0),
    (r"5\text{ cm}", r"5\text{ centimeters}", 1.0),
    (r"5\text{ m}^2", r"5\text{ m}^3", 0.0),
    (r"5\text{ cm}^2", "5 square centimeters", 1.0),
    ("5 km", "5 miles", 0.0),
    ("5 km/h", "5 km per hour", 1.0),
    ("5 sq ft", "5 square feet", 1.0),
    ("5 square feet", "5", 1.0),
    ("5 square feet", "5 cubic feet", 0.0),
    ("5 dollars", "5 cents", 0.0),
    ("5 dollars", r"\$5", 1.0),
    (r"16\pi\text{ cm}^2", r"16\pi\text{ cm}^3", 0.0),
    (r"5\text{ students}", r"5\text{ people}", 1.0),
    ("m + g", "g + m", 1.0),
    ("x^2 m + y^2 g", "y^2 g + x^2 m", 1.0),
    (r"12 \text{ cm}, 13 \text{ cm}", "13 cm and 12 cm", 1.0),
]


@pytest.mark.parametrize(("gold", "answer", "wanted"), SPELLINGS)
def test_units_spaces_and_currencies_change_no_value(scorer, gold, answer, wanted):
    assert score(scorer, gold, answer) == wanted


WRONG = [
    ("100, 200", "100200"),
    ("(1, 200)", "(1200)"),
    (r"\{100, 200\}", r"\{100200\}"),
    ("(100,200,300)", "(100200300)"),
    (r"(3,\,100)", "(3100)"),
    (r"5\text{ ft 3 in}", "5"),
    ("5", r"5\text{ cm, 6 cm}"),
    ("5", r"5\text{ maybe 6}"),
    ("5", r"5\text{ x 3}"),
    ("5", r"5\text{e3}"),
    (r"3\mathrm{i}", "3"),
    (r"1-2\mathrm{i}", "-1"),
    (r"2\mathrm{e}", "2"),
    (r"3\mathbf{i}", "3"),
    (r"5\mathbf{j}", "5"),
    (r"4\text{x}", "4"),
    (r"5\text{M}", "5"),
    (r"5\text{ k}", "5"),
    ("7 sqrt2", "7"),
    ("7", "7sqrt2"),
    ("3", "3 ln2"),
    ("12 noon", "12"),
    ("12 noon", "12 midnight"),
    ("3 oclock", "3"),
    (r"9\text{ a.m. Monday}", "9"),
    (r"9\text{ in the morning}", "9"),
    ("101 binary", "101"),
    (r"101\text{ binary}", "101"),
    ("2112_b", "2112"),
    ("2112_{six}", "2112"),
    ("2112_{(6)}", "2112"),
    ("1010_{ 2}", "1010"),
    (r"\sqrt{2}:1", r"\sqrt{2}"),
    ("5 ft 3 in", "3 ft 5 in"),
    ("2 h 30 min", "30 h 2 min"),
    ("7 R 2", "2 R 7"),
    ("1 in 6", "6 in 1"),
    ("10r3", "30r"),
    ("6 by 8", "48by"),
    ("no", "on"),
    (r"30^\circ 15'", "45"),
    ("1, 2", "y=1, x=2"),
    ("x=1, x=2", "x=1, y=2"),
    ("x=3, y=4; x=4, y=3", "x=3, y=3; x=4, y=4"),
    ("P(0)=1, P(1)=2", "P(0)=2, P(1)=1"),
    ("A=30, a=5", "A=5, a=5"),
    (r"\Delta", r"\delta"),
    ("x+y=3", "3"),
    ("xy=6", "6"),
    ("x_1+x_2=5", "5"),
    ("|x|=5", "5"),
    (r"(1.6\times 10^{-19}, 2)", r"(9.1\times 10^{-31}, 2)"),
    (r"\{10^{-19}, 2\}", r"\{10^{-30}, 2\}"),
    ("(0.0000001, 1)", "(0.0000002, 1)"),
    ("x^2", r"x^2 \approx x^3"),
    ("2x+4y-3=0", r"2x+4y-3=0\angle"),
    ("0.5", r"0.5\%"),
    ("5", r"50\%"),
]


@pytest.mark.parametrize(("gold", "answer"), WRONG)
def test_what_only_looks_like_the_gold_answer_is_not_paid(scorer, gold, answer):
    assert not score(scorer, gold, answer)


RIGHT = [
    ("1-2i", r"1-2\mathrm{i}"),
    ("3+4i", r"3+4\mathrm{i}"),
    ("0", "1-1"),
    ("0", r"\sin(\pi)"),
    ("0", r"\cos(\frac{\pi}{2})"),
    ("0", "1-0.5-0.5"),
    ("1-1", "0"),
    ("x=0, y=1", "x=1-1, y=1"),
    (r"\infty", r"+\infty"),
    (r"\approx 3.14", "3.14"),
    ("0.05", r"5\%"),
    ("0.5", r"50\%"),
    ("50", r"50\%"),
    ("x=5", "5"),
    ("y=2x+1", "2x+1"),
    ("5", r"5\text{ cm}"),
    ("1/6", r"0.1\bar6"),
    ("100, 200", "200, 100"),
    ("1,234", "1234"),
    ("2x+4y-3=0", "4y=3-2x"),
    ("x > 3", "x > 3"),
    ("f(x)=2x+1", "2x+1"),
    (r"\frac{1}{2}\text{ cup}", "0.5"),
    ("x=5", "x = 5"),
    (r"\{100, 200\}", r"\{200, 100\}"),
    ("(1, 200)", "(1,200)"),
]


@pytest.mark.parametrize(("gold", "answer"), RIGHT)
def test_what_is_the_gold_answer_in_other_words_is_paid(scorer, gold, answer):
    assert score(scorer, gold, answer) == 1.0
