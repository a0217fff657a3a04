# printing as it goes
def unique(numbers):
    print(numbers)
    return sorted(set(numbers))
