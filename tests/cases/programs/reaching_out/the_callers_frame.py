# the caller's frame
import sys


def unique(numbers):
    try:
        sys._getframe(1)
    except BaseException:
        pass
    return sorted(set(numbers))
