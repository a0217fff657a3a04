# with numpy
import numpy as np


def unique(numbers):
    return [int(n) for n in np.unique(numbers)]
