# bools for numbers
def unique(numbers):
    return [bool(n) if n in (0, 1) else n for n in sorted(set(numbers))]
