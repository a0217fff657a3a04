# a recursion to a segfault
import sys

sys.setrecursionlimit(10**9)


def unique(numbers):
    return unique(numbers)
