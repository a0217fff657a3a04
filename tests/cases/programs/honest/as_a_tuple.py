# as a tuple
def unique(numbers):
    return tuple(sorted(set(numbers)))
