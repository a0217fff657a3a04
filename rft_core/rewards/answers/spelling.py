r"""What says nothing in an answer: wrappers, thin spaces, kinds of fraction, currencies, units.

Both readers of answers begin here, `number_text.py` for one number and `math_text.py` for
mathematics, so that they agree on what 15~\text{cm}, ￥18, 18元 and 3,\!110,\!400 are. No value is
changed: a word that may join, multiply or tell the time of day is no unit.
"""

from __future__ import annotations

import re

WRAPPERS = (  # around an answer, of Markdown, LaTeX and prose; they say nothing
    ("**", "**"), ("`", "`"), ('"', '"'), ("'", "'"), ("$$", "$$"), ("$", "$"), ("\\(", "\\)"),
    ("\\[", "\\]"), ("\\text{", "}"), ("\\mathrm{", "}"), ("\\mathbf{", "}"), ("\\textbf{", "}"),
)  # fmt: skip
JOINING_WORDS = {
    "or", "and", "to", "not", "no", "plus", "minus", "times", "over", "by", "of", "than", "if",
    "but", "is", "isn", "less", "squared", "cubed", "below", "negative", "factorial",
}  # fmt: skip
MULTIPLYING_WORDS = {  # in the singular
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
    "pair", "couple", "dozen", "score", "gross", "grand", "hundred", "thousand", "million",
    "billion", "trillion", "quadrillion", "lakh", "lac", "crore", "mn", "mil", "bn", "tn", "pi",
    "half", "third", "quarter", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "twelfth", "hundredth", "thousandth", "millionth", "billionth",
}  # fmt: skip
_PLURALS = {"halves": "half", "grosses": "gross", "sixes": "six"} | {
    f"{word[:-1]}ies": word for word in MULTIPLYING_WORDS if word.endswith("ty")
}
FUNCTIONS = {"sqrt", "ln", "log", "sin", "cos", "tan", "exp", "mod"}
SAYING_MORE = {  # a time of day, or another base
    "am", "pm", "noon", "midnight", "oclock", "clock", "morning", "afternoon", "evening", "night",
    "binary", "octal", "hex", "hexadecimal", "base",
}  # fmt: skip
SHORT_UNITS = frozenset("mgshlLJNVW%°$€£¥")  # other single letters are variables
MEASURES = {  # that may stand bare behind a number and a space, where mathematics is expected
    "mm", "cm", "dm", "km", "in", "ft", "yd", "mi", "mg", "kg", "oz", "lb", "lbs", "ml", "dl",
    "cl", "gal", "ms", "sec", "min", "hr", "hrs", "yr", "yrs", "mph", "kmh", "kph", "kw", "kwh",
    "hz", "khz", "cc", "pt", "qt", "deg", "rad", "rs", "usd", "eur", "pts",
    "kr", "chf", "gbp", "jpy", "cny", "rmb", "inr", "zł",
}  # fmt: skip
CURRENCIES = "$€£¥￥฿\u20a0-\u20bf"  # as they stand in a class of signs
CURRENCY_CODES = "USD|EUR|GBP|INR|CHF|JPY|CNY|RMB|AUD|CAD|HKD|SGD|NZD|SEK|NOK|DKK|Rs\\.?"
COUNTED = (  # Chinese, Japanese and Korean words behind a number that leave it as it is
    "元", "块", "円", "圆", "원", "个", "個", "개", "人", "名", "명", "只", "本", "张", "天", "日",
    "年", "月", "岁", "歳", "살", "小时", "時間", "시간", "分钟", "분", "秒", "米", "厘米", "千米",
    "公里", "公斤", "千克", "克", "斤", "度", "题", "次", "页", "杯", "枚", "台", "辆", "条", "件",
)  # fmt: skip

_STOPS = re.compile(r"(?<![\\.。．,，、;；])[.。．,，、;；]+$")  # at the end, and no thin space
_SIZES = re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle)(?![A-Za-z])\.?")
_THIN_THOUSANDS = re.compile(r"(?<=\d)(?:,?\\!|\\[,;:]|\{,\})\s*(?=\d{3}(?!\d))")
_SPACING = re.compile(r"\\[!,;:]|\\q?quad\b|~|(?<!\\)\\ ")
_FRACTION = re.compile(r"\\[dtc]frac\b")
_TEXT = re.compile(r"\\(?:textrm|textbf|textit|textnormal|mbox|mathrm|rm)\b")
_ROMAN = re.compile(r"\{\s*\\rm\b\s*([^{}]*)\}|\\rm\s+([A-Za-z]+)\s*$")  # of plain TeX
_CONSTANT = re.compile(r"\\(?:mathrm|mathbf|rm)\s*\{\s*([ie])\s*\}")
_CURRENCY = re.compile(
    rf"(?<![\w}}])(?:([+-])\s*+)?(?:(?:US|AU?|CA?|NZ|HK|NT|SG?|MX|R)?\\?\$|[{CURRENCIES}]"
    rf"|(?:{CURRENCY_CODES})(?=\s))\s*+(?=[\d.])",
    re.ASCII,
)
_PAID = re.compile(rf"(?<=\d)\s*(?:[{CURRENCIES}]|(?:{CURRENCY_CODES}|zł|руб\.?)(?!\w))$")
_COUNTED = re.compile(rf"(?<=\d)\s*(?:{'|'.join(COUNTED)})$")
_DEGREES = re.compile(
    r"(?:°|\^\s*\{?\s*(?:\\circ|°)\s*\}?|\\degree)\s*(?:([CF])|\\text\s*\{\s*([CF])\s*\})$"
)
_POWER = r"(?:\s*\^\s*(?:\{\s*)?-?[1-4](?:\s*\})?)?"
_ONE_UNIT = rf"\\(?:text|operatorname)\s*\{{((?:[^{{}}]|\^\s*\{{-?[1-4]\}}){{1,40}})\}}{_POWER}"
_QUOTIENT = re.compile(rf"\\frac\s*\{{\s*({_ONE_UNIT})\s*\}}\s*\{{\s*({_ONE_UNIT})\s*\}}\s*$")
_NAMED_UNIT = re.compile(
    rf"(?<=[\d}})i!])\s*({_ONE_UNIT}(?:\s*(?:/|\\cdot)?\s*{_ONE_UNIT}){{0,2}})\s*$"
)
_OF_UNIT = re.compile(_ONE_UNIT)
_POWERS = re.compile(r"\$?\^\s*\{?-?[1-4]\}?\$?")


def unwrap(text: str) -> str:
    """The text without what only sets it off: **72**, $72$, `72`, \\(72\\)."""
    text = text.strip()
    for start, end in WRAPPERS:
        inner = text[len(start) : -len(end)]
        whole = text.startswith(start) and text.endswith(end) and len(text) > len(start + end)
        if whole and start not in inner and end not in inner:
            return unwrap(inner)
    return text


def respell(answer: str) -> str:
    """The same answer without wrappers and currency, each of its commands in one spelling."""
    text = unwrap(_STOPS.sub("", answer.strip()).strip())
    text = _SPACING.sub(" ", _THIN_THOUSANDS.sub("", _SIZES.sub("", text)))
    text = _ROMAN.sub(lambda found: f"\\text{{{found[1] or found[2]}}}", text)
    text = _TEXT.sub(r"\\text", _CONSTANT.sub(r"\1", _FRACTION.sub(r"\\frac", text)))
    text = _DEGREES.sub("°", text)
    return _PAID.sub("", _COUNTED.sub("", _CURRENCY.sub(r"\1", text))).strip()


def without_unit(text: str) -> str:
    """What stands before the unit of LaTeX's text, with its exponent, at the end of the answer."""
    text = _QUOTIENT.sub(r" \1/\3", text)
    unit = _NAMED_UNIT.search(text)
    if unit and all(_is_unit(_POWERS.sub("", one[1])) for one in _OF_UNIT.finditer(unit[1])):
        return text[: unit.start()].rstrip()
    return text


def changes_value(word: str) -> bool:
    """Whether a lower-case word beside a number makes it another number, or joins it to one."""
    forms = {word, word.removesuffix("s"), _PLURALS.get(word, word)}
    return word in JOINING_WORDS | FUNCTIONS or not forms.isdisjoint(MULTIPLYING_WORDS)


def _is_unit(words: str) -> bool:
    """Not where the words join values, say another or more than one, or are a variable."""
    parts = [word for word in re.split(r"[^A-Za-z]+", words) if word]
    return (
        bool(parts)
        and not re.search(r"[\d,;]", words)
        and all(len(word) > 1 or word in SHORT_UNITS for word in parts)
        and not any(changes_value(word.lower()) or word.lower() in SAYING_MORE for word in parts)
    )
