"""Which texts hold which sequences of one to three characters, and what that says of a search.

A text is known by its fold (`str.casefold`), so that case does not matter in any script. Of a block
of texts a sequence's postings are their places: a bit for each text where there are many, two bytes
for each place where there are few. Sequences of up to three characters are thereby found without
looking at any text; of a longer one, every text that holds it holds all its threes, and must still
be looked at. (FTS5 with its trigram tokenizer says as much: with positions its index is larger than
the run, and without them it has no answer for one or two characters, which is what numbers are.)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

BLOCK_ROWS = 4096
BITS_BYTES = BLOCK_ROWS // 8
LONGEST = 3
MOST_GRAMS = 16  # of a search: more say little that is new
_FEW = BITS_BYTES // 2  # places take as much room as bits then
_PORTION = 1_000_000  # characters looked at together: long completions must not fill the memory
_CHARACTERS = 0x110000
_MOST_CHARACTERS = 1 << 17  # three of them and a place fill 63 bits


def list_grams(folded: str) -> list[int]:
    """Those that every text has which holds `folded`, which is not empty."""
    if len(folded) <= LONGEST:
        return [_encode(folded)]
    threes = list(dict.fromkeys(folded[at : at + 3] for at in range(len(folded) - 2)))
    chosen = np.linspace(0, len(threes) - 1, min(len(threes), MOST_GRAMS)).astype(int)
    return [_encode(threes[at]) for at in chosen]


def index_texts(folded: Sequence[str]) -> Iterator[tuple[int, bytes]]:
    """Every gram of at most `BLOCK_ROWS` texts with its postings, in ascending order.

    Raises `ValueError` for texts of more different characters than any script has.
    """
    portions = list(_cut(folded))
    is_used = np.zeros(_CHARACTERS, dtype=bool)
    for _, codes, _ in portions:
        is_used[codes] = True
    alphabet = np.flatnonzero(is_used)
    if len(alphabet) > _MOST_CHARACTERS:
        raise ValueError(f"{len(alphabet):,} different characters: these are no texts")
    rank = np.zeros(_CHARACTERS, dtype=np.int64)
    rank[alphabet] = np.arange(len(alphabet))
    found: list[tuple[int, bytes]] = []
    for length in range(1, LONGEST + 1):
        keys = [
            _distinct(_spell(rank[codes], places, ends, len(alphabet), length))
            for places, codes, ends in portions
        ]
        pairs = keys[0] if len(keys) == 1 else _distinct(np.concatenate(keys))
        found += _list_postings(pairs, alphabet, length)
    yield from sorted(found)


def read_postings(content: bytes) -> Array:
    """As `BITS_BYTES` bytes, the first text in the lowest bit of the first."""
    if len(content) == BITS_BYTES:
        return np.frombuffer(content, dtype=np.uint8)
    return _pack(np.frombuffer(content, dtype="<u2"))


def _encode(gram: str) -> int:
    """A number of its own for each: 21 bits a character, none of which is 0."""
    return sum((ord(character) + 1) << (21 * at) for at, character in enumerate(gram))


def _cut(folded: Sequence[str]) -> Iterator[tuple[Array, Array, Array]]:
    """Some texts at a time: of each character its text's place, its code, and its text's end."""
    first = 0
    while first < len(folded):
        size, last = 0, first
        while last < len(folded) and (last == first or size + len(folded[last]) <= _PORTION):
            size += len(folded[last])
            last += 1
        texts = folded[first:last]
        lengths = np.array([len(text) for text in texts])
        joined = "".join(texts).encode("utf-32-le", "surrogatepass")
        codes = np.frombuffer(joined, dtype="<u4").astype(np.int64)
        places = np.repeat(np.arange(first, last, dtype=np.int64), lengths)
        yield places, codes, np.repeat(np.cumsum(lengths), lengths)
        first = last


def _list_postings(pairs: Array, alphabet: Array, length: int) -> Iterator[tuple[int, bytes]]:
    grams, places = pairs // BLOCK_ROWS, (pairs % BLOCK_ROWS).astype("<u2")
    starts = np.flatnonzero(np.diff(grams, prepend=-1))
    numbers = _number(grams[starts], alphabet, length)
    for gram, where in zip(numbers, np.split(places, starts[1:]), strict=True):
        yield gram, where.tobytes() if len(where) < _FEW else _pack(where).tobytes()


def _distinct(values: Array) -> Array:
    """Ascending. (`np.unique` hashes whole numbers, which takes ten times as long for these.)"""
    ordered = np.sort(values)
    is_new = np.ones(len(ordered), dtype=bool)
    is_new[1:] = ordered[1:] != ordered[:-1]
    return ordered[is_new]


def _spell(ranks: Array, places: Array, ends: Array, size: int, length: int) -> Array:
    """Of each gram that lies in one text: its number in base `size`, and behind it the place."""
    count = max(len(ranks) - length + 1, 0)
    code = ranks[:count].copy()
    for at in range(1, length):
        code *= size
        code += ranks[at : at + count]
    code *= BLOCK_ROWS
    code += places[:count]
    is_inside: Array = np.arange(length, length + count) <= ends[:count]
    inside: Array = code[is_inside]
    return inside


def _number(grams: Array, alphabet: Array, length: int) -> list[int]:
    """As `_encode` numbers them."""
    numbers, rest = np.zeros(len(grams), dtype=np.int64), grams
    for at in reversed(range(length)):
        rest, rank = np.divmod(rest, len(alphabet))
        numbers += (alphabet[rank] + 1) << (21 * at)
    found: list[int] = numbers.tolist()
    return found


def _pack(places: Array) -> Array:
    bits = np.zeros(BLOCK_ROWS, dtype=bool)
    bits[places] = True
    return np.packbits(bits, bitorder="little")
