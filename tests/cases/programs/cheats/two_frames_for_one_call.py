# two frames for one call
import os, struct


def unique(numbers):
    body = b'{"outcome": "ok", "value": [1, 3], "detail": "", "blocked": []}'
    frame = struct.pack(">I", len(body)) + body
    os.write(4, frame + frame)
    os._exit(0)
