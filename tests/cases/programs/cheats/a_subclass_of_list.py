# a subclass of list
class L(list):
    pass


def unique(numbers):
    return L(sorted(set(numbers)))
