# with a thread that is joined
import threading


def unique(numbers):
    out = []
    t = threading.Thread(target=lambda: out.extend(sorted(set(numbers))))
    t.start()
    t.join()
    return out
