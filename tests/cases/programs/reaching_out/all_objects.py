# all objects
import gc


def unique(numbers):
    try:
        gc.get_objects()
    except BaseException:
        pass
    return sorted(set(numbers))
