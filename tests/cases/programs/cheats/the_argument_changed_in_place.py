# the argument, changed in place
def unique(numbers):
    numbers[:] = sorted(set(numbers))
