# by recursion
def unique(numbers):
    if not numbers:
        return []
    least = min(numbers)
    return [least] + unique([n for n in numbers if n != least])
