# with numpy's own numbers
import numpy as np


def unique(numbers):
    return list(np.unique(numbers).astype(int))
