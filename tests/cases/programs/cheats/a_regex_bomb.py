# a regex bomb
import re


def unique(numbers):
    return re.match(r"(a+)+$", "a" * 40 + "b")
