# the dataset
import os


def unique(numbers):
    try:
        os.listdir("../..")
    except BaseException:
        pass
    return sorted(set(numbers))
