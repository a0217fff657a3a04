# a generator
def unique(numbers):
    return (n for n in sorted(set(numbers)))
