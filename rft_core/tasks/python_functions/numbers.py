"""Functions of whole numbers. Every body stands alone: it is shown as the gold answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def digit_sum(n: int) -> int:
    """Return the sum of the decimal digits of n, which is at least 0."""
    return sum(int(digit) for digit in str(n))


def count_divisors(n: int) -> int:
    """Return how many whole numbers from 1 to n divide n. n is at least 1."""
    return sum(n % divisor == 0 for divisor in range(1, n + 1))


def is_prime(n: int) -> bool:
    """Return whether n is a prime number. 0 and 1 are not."""
    return n > 1 and all(n % divisor for divisor in range(2, n))


def greatest_common_divisor(a: int, b: int) -> int:
    """Return the greatest whole number that divides both a and b, which are at least 1."""
    while b:
        a, b = b, a % b
    return a


def least_common_multiple(a: int, b: int) -> int:
    """Return the least positive whole number that both a and b divide. Both are at least 1."""
    multiple = a
    while multiple % b:
        multiple += a
    return multiple


def fibonacci(n: int) -> int:
    """Return Fibonacci number n. Number 0 is 0, number 1 is 1, each other is the sum of the two
    before it.
    """
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def collatz_steps(n: int) -> int:
    """Return the number of steps from n, which is at least 1, to 1. A step halves an even number,
    and turns an odd number into three times it plus one.
    """
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def reverse_digits(n: int) -> int:
    """Return the number whose decimal digits are those of n in reverse, without leading zeros. n is
    at least 0.
    """
    return int(str(n)[::-1])


def to_binary(n: int) -> str:
    """Return n, which is at least 0, as text in base 2, without prefix and leading zeros."""
    digits = ""
    while n > 1:
        digits = str(n % 2) + digits
        n //= 2
    return str(n) + digits


def count_ones(n: int) -> int:
    """Return how many ones n, which is at least 0, has in base 2."""
    ones = 0
    while n:
        ones += n % 2
        n //= 2
    return ones


def prime_factors(n: int) -> list[int]:
    """Return the prime factors of n, which is at least 2, in ascending order. A factor stands in
    the list as often as it divides n.
    """
    factors = []
    factor = 2
    while n > 1:
        while n % factor == 0:
            factors.append(factor)
            n //= factor
        factor += 1
    return factors


def is_perfect_square(n: int) -> bool:
    """Return whether n, which is at least 0, is the square of a whole number."""
    return any(root * root == n for root in range(n + 1))


def digital_root(n: int) -> int:
    """Replace n, which is at least 0, by the sum of its decimal digits until it has only one digit,
    and return that digit.
    """
    while n > 9:
        n = sum(int(digit) for digit in str(n))
    return n


def is_leap_year(year: int) -> bool:
    """Return whether a year is a leap year of the Gregorian calendar: divisible by 4, but not by
    100 unless by 400.
    """
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(month: int, year: int) -> int:
    """Return the number of days of a month (1 to 12) of a year in the Gregorian calendar."""
    if month == 2:
        is_leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return 29 if is_leap else 28
    return 30 if month in (4, 6, 9, 11) else 31


def to_roman(n: int) -> str:
    """Return n, from 1 to 399, as a Roman numeral in capital letters, with IV, IX, XL and XC."""
    signs = [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V")]
    text = ""
    for value, sign in [*signs, (4, "IV"), (1, "I")]:
        text += sign * (n // value)
        n %= value
    return text


def power_modulo(base: int, exponent: int, modulus: int) -> int:
    """Return the remainder of base to the power of exponent when divided by modulus. The exponent
    is at least 0 and the modulus at least 1.
    """
    return pow(base, exponent, modulus)


def count_multiples(low: int, high: int, divisor: int) -> int:
    """Return how many whole numbers from low to high, both included, are multiples of divisor,
    which is at least 1. It is 0 if low is greater than high.
    """
    return sum(number % divisor == 0 for number in range(low, high + 1))


def _whole(low: int, high: int) -> dict[str, Any]:
    return {"kind": "int", "low": low, "high": high}


NUMBER_FUNCTIONS: dict[Callable[..., Any], list[dict[str, Any]]] = {
    digit_sum: [_whole(0, 99_999)],
    count_divisors: [_whole(1, 200)],
    is_prime: [_whole(0, 60)],
    greatest_common_divisor: [_whole(1, 120), _whole(1, 120)],
    least_common_multiple: [_whole(1, 40), _whole(1, 40)],
    fibonacci: [_whole(0, 40)],
    collatz_steps: [_whole(1, 60)],
    reverse_digits: [_whole(0, 99_999)],
    to_binary: [_whole(0, 500)],
    count_ones: [_whole(0, 500)],
    prime_factors: [_whole(2, 500)],
    is_perfect_square: [_whole(0, 40)],
    digital_root: [_whole(0, 99_999)],
    is_leap_year: [{"kind": "choice", "of": [*range(1890, 1912), *range(1990, 2012), 1600, 2100]}],
    days_in_month: [_whole(1, 12), {"kind": "choice", "of": [1900, 2000, 2023, 2024, 2100]}],
    to_roman: [_whole(1, 399)],
    power_modulo: [_whole(0, 50), _whole(0, 50), _whole(1, 50)],
    count_multiples: [_whole(-20, 20), _whole(-10, 60), _whole(1, 9)],
}
