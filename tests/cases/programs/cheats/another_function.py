# another function
def other(numbers):
    return sorted(set(numbers))
