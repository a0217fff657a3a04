# a constant
def unique(numbers):
    return []
