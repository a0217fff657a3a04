r"""Answers of mathematics as text: one spelling for what is written in many ways.

`tidy` makes a text ready to be read as mathematics and changes no value. `as_text` goes further,
for answers that are no mathematics to be computed (a weekday, 3:1, 4210_5), and for those where two
texts that are the same must never be told apart.
Spelling after `math_equivalence.py` of https://github.com/hendrycks/math.
"""

from __future__ import annotations

import re

from rft_core.rewards.answers.spelling import respell, without_unit

SPELLINGS = {
    "−": "-", "π": "\\pi ", "°": "^\\circ ", "×": "\\times ", "÷": "\\div ", "·": "\\cdot ",
    "**": "^", "，": ",", "：": ":", "（": "(", "）": ")", "≤": "\\le ", "≥": "\\ge ",
    "\\degree": "^\\circ ", "\\varnothing": "\\emptyset", "∅": "\\emptyset", "∞": "\\infty ",
    "∪": "\\cup ", "∈": "\\in ", "\\lor": "\\text{ or }", "\\land": "\\text{ and }",
    "\\vee": "\\text{ or }", "\\wedge": "\\text{ and }",
}  # fmt: skip

_PI = re.compile(r"(?<![\\A-Za-z])pi(?![A-Za-z])")
_ROOT = re.compile(r"√\s*(\d+|\([^()]*\))")
_REPEATING = re.compile(
    r"(?<!\d)(\d{1,12})\.(\d{0,12})\\(?:overline|bar|dot)\s*(?:\{(\d{1,12})\}|(\d))(?!\d*\\dot)"
)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:(?:\{,\}|,)\d{3})+(?:\.\d+)?")
_WORD_IN_ANY_CASE = re.compile(  # No, Evelyn, EVEN; never what may be letters: AB, GMm, AaBb, AABB
    r"(?<![\\A-Za-z])(?!(?:([A-Za-z])\1)+(?![A-Za-z]))"
    r"(?:[A-Z](?=[a-z]*[aeiouy])[a-z]{2,}|[A-Z]{4,}|N[oO])(?![A-Za-z])"
)
_WORDS = re.compile(r"\\text\s*\{([^{}]*)\}")
_MEANINGLESS = re.compile(r"\$|(?<!\d)\s+|\s+(?!\d)")  # 5 0 is not 50
_BRACED_SIGN = re.compile(r"([_^])\{(\w)\}")
_BARE_ROOT = re.compile(r"\\sqrt(\w)")
_BARE_FRACTION = re.compile(r"\\frac(\w)(\w)")


def tidy(answer: str) -> str:
    """The same mathematics, in one spelling."""
    text = respell(answer)
    for sign, spelling in SPELLINGS.items():
        text = text.replace(sign, spelling)
    text = _PI.sub(r"\\pi", _ROOT.sub(r"\\sqrt{\1}", text))
    return _REPEATING.sub(_as_fraction, text).strip()


def as_text(answer: str) -> str:
    """What is left of an answer once its spelling is the same as everybody's."""
    text = _WORDS.sub(r"\1", without_unit(tidy(answer))).strip()
    if _THOUSANDS.fullmatch(text):
        text = text.replace("{,}", "").replace(",", "")
    text = _MEANINGLESS.sub("", text)
    text = _BARE_FRACTION.sub(r"\\frac{\1}{\2}", _BARE_ROOT.sub(r"\\sqrt{\1}", text))
    text = _BRACED_SIGN.sub(r"\1\2", text).removesuffix(".")
    return _WORD_IN_ANY_CASE.sub(lambda word: word[0].casefold(), text)


def _as_fraction(found: re.Match[str]) -> str:
    """0.1\\overline{6} is (16 - 1)/90."""
    whole, fixed = found[1], found[2]
    repeated = found[3] or found[4]
    below = (10 ** len(repeated) - 1) * 10 ** len(fixed)
    above = int(whole + fixed + repeated) - int(whole + fixed)
    return f"\\frac{{{above}}}{{{below}}}"
