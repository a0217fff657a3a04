# a set, where the order is asked for
def unique(numbers):
    return set(numbers)
