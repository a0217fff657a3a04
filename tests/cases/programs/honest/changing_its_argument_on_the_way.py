# changing its argument on the way
def unique(numbers):
    numbers.sort()
    kept = []
    while numbers:
        number = numbers.pop(0)
        if number not in kept:
            kept.append(number)
    return kept
