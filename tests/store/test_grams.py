"""Short texts are found by the sequences of characters that each text holds."""

import random

import numpy as np
import pytest

from rft_core.store.columns import grams
from rft_core.store.columns.grams import index_texts, list_grams, read_postings


@pytest.mark.parametrize("portion", [grams._PORTION, 100])
def test_postings_are_the_places_of_every_short_text(
    monkeypatch: pytest.MonkeyPatch, portion: int
) -> None:
    monkeypatch.setattr(grams, "_PORTION", portion)
    rng = random.Random(5)
    texts = ["".join(rng.choices("abcπß字\0", k=rng.randint(0, 9))).casefold() for _ in range(900)]
    texts += ["a" * 500, "", "\U0010ffff" * 3]
    postings = dict(index_texts(texts))
    for text in ("a", "b", "\0", "π", "字", "ss", "ab", "a\0", "abc", "\U0010ffff\U0010ffff", "zz"):
        [gram] = list_grams(text)
        bits = np.unpackbits(read_postings(postings.get(gram, b"")), bitorder="little")
        found = np.flatnonzero(bits)
        assert found.tolist() == [at for at, held in enumerate(texts) if text in held], text
    assert (
        len(list_grams("abcdefgh" * 50)) == 8
        and len(list_grams("".join(map(chr, range(400))))) == 16
    )


def test_what_is_no_text_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="these are no texts"):
        list(index_texts(["".join(map(chr, range(0xE000, 0x10FFFF)))]))
