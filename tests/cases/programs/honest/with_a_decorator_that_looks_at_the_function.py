# with a decorator that looks at the function
import functools, inspect


def logged(f):
    name = inspect.signature(f)

    @functools.wraps(f)
    def g(*args):
        return f(*args)

    return g


@logged
def unique(numbers):
    return sorted(set(numbers))
