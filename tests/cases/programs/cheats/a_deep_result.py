# a deep result
def unique(numbers):
    deep = []
    for _ in range(10**5):
        deep = [deep]
    return deep
