"""Functions of texts. Every body stands alone: it is shown as the gold answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def count_vowels(text: str) -> int:
    """Return how many of the letters a, e, i, o and u are in a text of lower case."""
    return sum(letter in "aeiou" for letter in text)


def remove_vowels(text: str) -> str:
    """Return a text of lower case without its letters a, e, i, o and u."""
    return "".join(letter for letter in text if letter not in "aeiou")


def reverse_words(text: str) -> str:
    """Return the words of a text, which spaces separate, in reverse order with one space between
    them.
    """
    return " ".join(reversed(text.split()))


def count_words(text: str) -> int:
    """Return how many words a text has. One or more spaces separate words."""
    return len(text.split())


def longest_word(text: str) -> str:
    """Return the longest of the words of a text, which spaces separate: the first of them if
    several are longest, and an empty text if there are no words.
    """
    return max(text.split(), key=len, default="")


def capitalise_words(text: str) -> str:
    """Return a text of lower case with the first letter of every word in upper case. Spaces
    separate words and stay as they are.
    """
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def is_palindrome(text: str) -> bool:
    """Return whether a text reads the same forwards and backwards. An empty text does."""
    return text == text[::-1]


def most_frequent_letter(text: str) -> str:
    """Return the letter that occurs most often in a text that is not empty: the first in the
    alphabet if several do.
    """
    return max(sorted(set(text)), key=text.count)


def letter_counts(text: str) -> dict[str, int]:
    """Return a dict of how often each letter that is in the text occurs in it."""
    return {letter: text.count(letter) for letter in text}


def run_length_encode(text: str) -> str:
    """Replace each run of equal letters by the letter and the length of the run: "aaab" becomes
    "a3b1". Return the result.
    """
    encoded = ""
    start = 0
    for end in range(1, len(text) + 1):
        if end == len(text) or text[end] != text[start]:
            encoded += f"{text[start]}{end - start}"
            start = end
    return encoded


def collapse_repeats(text: str) -> str:
    """Return the text with each run of equal letters replaced by one of them."""
    kept = ""
    for letter in text:
        if not kept.endswith(letter):
            kept += letter
    return kept


def caesar_shift(text: str, shift: int) -> str:
    """Return a text of letters from a to z in which each letter is replaced by the one that stands
    shift places later in the alphabet; after z comes a. The shift is from 0 to 25.
    """
    return "".join(chr((ord(letter) - ord("a") + shift) % 26 + ord("a")) for letter in text)


def are_anagrams(first: str, second: str) -> bool:
    """Return whether two texts consist of the same letters, each equally often."""
    return sorted(first) == sorted(second)


def common_prefix(first: str, second: str) -> str:
    """Return the longest text with which both texts begin."""
    length = 0
    while length < min(len(first), len(second)) and first[length] == second[length]:
        length += 1
    return first[:length]


def brackets_match(text: str) -> bool:
    """Return whether every bracket in a text of the brackets ( ) [ ] is closed by one of its kind,
    in the right order. In an empty text they are.
    """
    opened = []
    for bracket in text:
        if bracket in "([":
            opened.append(bracket)
        elif not opened or opened.pop() + bracket not in ("()", "[]"):
            return False
    return not opened


def number_of_digits(text: str) -> int:
    """Return the number that the digits of a text make when they are read one after the other, and
    0 if the text has no digits.
    """
    digits = "".join(letter for letter in text if letter.isdigit())
    return int(digits) if digits else 0


def count_occurrences(text: str, part: str) -> int:
    """Return at how many places of the text the part, which is not empty, begins. Occurrences may
    overlap.
    """
    return sum(text.startswith(part, place) for place in range(len(text)))


def _text(letters: str, low: int = 0, high: int = 12) -> dict[str, Any]:
    return {"kind": "text", "letters": letters, "low": low, "high": high}


TEXT_FUNCTIONS: dict[Callable[..., Any], list[dict[str, Any]]] = {
    count_vowels: [_text("aeioubcdfst ")],
    remove_vowels: [_text("aeioubcdfst ")],
    reverse_words: [_text("abcde  ", 0, 16)],
    count_words: [_text("abc   ", 0, 16)],
    longest_word: [_text("abcdef  ", 0, 16)],
    capitalise_words: [_text("abcde  ", 0, 14)],
    is_palindrome: [_text("ab", 0, 5)],
    most_frequent_letter: [_text("abcd", 1, 10)],
    letter_counts: [_text("abcde")],
    run_length_encode: [_text("ab")],
    collapse_repeats: [_text("aab")],
    caesar_shift: [_text("abcmnowxyz"), {"kind": "int", "low": 0, "high": 25}],
    are_anagrams: [_text("ab", 0, 3), _text("ab", 0, 3)],
    common_prefix: [_text("aab", 0, 8), _text("aab", 0, 8)],
    brackets_match: [
        {
            "kind": "choice",
            "of": [
                *("", "()", "[]", "([])", "()[]", "[()]()", "(([]))", "[[]]()", "((()))", "[()[]]"),
                *("(", ")", "(]", "([)]", "())", "[(])", ")(", "[[]", "(()]", "[]]", "()(", "][[]"),
            ],
        }
    ],
    number_of_digits: [_text("0123456789ab", 0, 8)],
    count_occurrences: [_text("ab", 0, 12), _text("ab", 1, 2)],
}
