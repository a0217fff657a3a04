# all memory
def unique(numbers):
    return [0] * 10**12
