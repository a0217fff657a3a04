# another network family
import socket


def unique(numbers):
    try:
        socket.socket(socket.AF_INET6)
    except BaseException:
        pass
    return sorted(set(numbers))
