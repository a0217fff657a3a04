"""Which split generated rows belong to: decided by what the splits must not share, for ever."""

import hashlib
from typing import Literal

Split = Literal["train", "validation", "held_out"]
EVALUATED_ONE_IN = 8  # of all keys, half for validation and half held out


def choose_split(key: str) -> Split:
    """The split of every row with this key, the same one in every process and on every machine."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    if digest[0] % EVALUATED_ONE_IN:
        return "train"
    return "validation" if digest[1] % 2 else "held_out"
