"""A regular expression of JavaScript's as one of Python's that matches the same, or why it cannot.

Without flags, as Promptfoo reads it: `.` stops at line ends, `$` is the very end, `\\d` and `\\w`
are ASCII. What JavaScript reads as plain letters, or refuses, is refused: `\\A`, `\\p{L}`, `(?i)`.
Source: https://tc39.es/ecma262/#sec-regexp-regular-expression-objects
"""

from __future__ import annotations

import re
from collections.abc import Callable

SPACES = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_IN_CLASS = {"d": "0-9", "w": "A-Za-z0-9_", "s": SPACES}
_OUTSIDE = {
    "d": "[0-9]", "D": "[^0-9]", "w": "[A-Za-z0-9_]", "W": "[^A-Za-z0-9_]",
    "s": f"[{SPACES}]", "S": f"[^{SPACES}]", "b": r"(?a:\b)", "B": r"(?a:\B|\A\Z)",
}  # fmt: skip
_WITHOUT_WIDTH = ("|", "^", _OUTSIDE["b"], _OUTSIDE["B"])
_PLAIN = {".": r"[^\n\r\u2028\u2029]", "$": r"\Z"}
_CONTROLS = "tnvfr"
_QUANTIFIER = re.compile(r"[*+?]|\{\d+(?:,\d*)?\}")
_GROUP = re.compile(r"\((?:\?(?:[:=!]|<[=!]|<(\w+)>))?")
_CODE = re.compile(r"x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}")
_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\]\\])*)\]", re.DOTALL)


def to_python(pattern: str) -> str:
    """Python's pattern. Raises `ValueError` that says which part of it has no counterpart."""
    parts: list[str] = []
    position, may_repeat = 0, False
    while position < len(pattern):
        read = _READERS.get(pattern[position], _read_plain)
        quantifier = _QUANTIFIER.match(pattern, position)
        if quantifier:
            if not may_repeat:
                raise ValueError(f"there is nothing that '{quantifier[0]}' could repeat")
            parts.append(quantifier[0])
            position, may_repeat = quantifier.end(), False
            if pattern.startswith("?", position):  # lazily
                parts.append("?")
                position += 1
            continue
        part, position = read(pattern, position)
        opens = part.startswith("(") and not part.endswith(")")
        may_repeat = not opens and part not in _WITHOUT_WIDTH
        parts.append(part)
    return "".join(parts)


def _read_plain(pattern: str, start: int) -> tuple[str, int]:
    sign = pattern[start]
    if sign in ")|^":
        return sign, start + 1
    return _PLAIN.get(sign) or re.escape(sign), start + 1


def _read_group(pattern: str, start: int) -> tuple[str, int]:
    found = _GROUP.match(pattern, start)
    assert found
    if found[0] == "(" and pattern.startswith("(?", start):
        raise ValueError(f"'{pattern[start : start + 4]}' begins no group of JavaScript's")
    return (f"(?P<{found[1]}>" if found[1] else found[0]), found.end()


def _read_class(pattern: str, start: int) -> tuple[str, int]:
    found = _CLASS.match(pattern, start)
    if not found:
        raise ValueError("a '[' is never closed")
    negation, inner = found.groups()
    if not inner:
        return (r"[\s\S]" if negation else r"(?!)"), found.end()
    parts: list[str] = []
    position, is_ascii = 0, False
    while position < len(inner):
        if inner[position] != "\\":
            sign = inner[position]
            if sign == "-" and not parts:  # the end of a range, perhaps: `[--a]`
                sign = r"\x2d"
            parts.append(f"\\{sign}" if sign in "[&~|" or parts[-1:] == ["-"] == [sign] else sign)
            position += 1
            continue
        part, position = _read_escape(inner, position, in_class=True)
        is_ascii = is_ascii or part in (r"\D", r"\W", r"\S")
        parts.append(part)
    text = f"[{negation}{''.join(parts)}]"
    return (f"(?a:{text})" if is_ascii else text), found.end()


def _read_escape(pattern: str, start: int, in_class: bool = False) -> tuple[str, int]:
    sign = pattern[start + 1 : start + 2]
    if not sign:
        raise ValueError("it ends in a backslash")
    if code := _CODE.match(pattern, start + 1):
        return f"\\{code[0]}", code.end()
    if sign == "k" and (named := re.compile(r"k<(\w+)>").match(pattern, start + 1)):
        return f"(?P={named[1]})", named.end()
    known = _IN_CLASS if in_class else _OUTSIDE
    if sign in known:
        return known[sign], start + 2
    if sign in _CONTROLS or (in_class and sign in "DWSb") or (sign in "123456789" and not in_class):
        return f"\\{sign}", start + 2
    if sign == "0":
        return r"\x00", start + 2
    if sign.isalnum():
        raise ValueError(f"'\\{sign}' has no counterpart here, or no meaning without flags")
    return re.escape(sign) if sign not in "-^]" else f"\\{sign}", start + 2


_READERS: dict[str, Callable[[str, int], tuple[str, int]]] = {
    "(": _read_group, "[": _read_class, "\\": _read_escape,
}  # fmt: skip
