# with a helper, a constant and a main block
EMPTY = []


def helper(numbers):
    return set(numbers)


def unique(numbers):
    return sorted(helper(numbers)) or EMPTY


if __name__ == "__main__":
    print(unique([1, 1]))
    raise SystemExit
