# plainly
def unique(numbers):
    return sorted(set(numbers))
