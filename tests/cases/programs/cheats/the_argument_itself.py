# the argument itself
def unique(numbers):
    return numbers
