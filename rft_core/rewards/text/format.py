"""Format: one <think>…</think> that holds thought, then one <answer>…</answer>, or others like it.

1 or 0, nothing in between: partial credit for single tags teaches a model to spam tags. All
checks count and compare; none is a regular expression, so 50 kB of unclosed tags cost nothing.
It looks at the form alone: whether the thought or the answer is any good is for other graders.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
import zlib
from collections.abc import Sequence

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, RewardEntry
from rft_core.types import Row

TAGS = "think, answer"
_NAME = re.compile(r"[A-Za-z][\w.-]*")
_WORDS = {"think": "thought"}  # what a block is called where its tag is no noun
INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters by class, blank to the eye

WINDOW = 2000
SHORTEST_WINDOW = 1000
REPETITIVE_BELOW = 0.08  # compressed / raw size; prose, code and sums stay above 0.2


def grade_format(
    completion: str, row: Row, *, tags: str = TAGS, think_opened_by_prompt: bool = False
) -> Grade:
    """1 if the completion is one block of each of `tags`, in their order, and nothing around them.

    `think_opened_by_prompt`: the chat template ends with the first opening tag, so the completion
    lacks it.
    """
    names, text = read_tags(tags), completion.strip()
    first, last = f"<{names[0]}>", f"</{names[-1]}>"
    if think_opened_by_prompt and not text.startswith(first):
        text = first + text
    for tag in [tag for name in names for tag in (f"<{name}>", f"</{name}>")]:
        count = text.count(tag)
        if count != 1:
            flags = ("repeated_tags",) if count > 1 else ()
            return Grade(0.0, f"{tag} is there {count} times, not once.", flags)
    if not text.startswith(first) or not text.endswith(last):
        return Grade(0.0, f"There is text before {first} or after {last}, or they are swapped.")
    blocks, around = _split(text, names)
    for before, name in itertools.pairwise(names):
        if around[name].strip():
            reason = f"There is text between </{before}> and <{name}>, or they are swapped."
            return Grade(0.0, reason)
    for name in names:
        if not has_visible_text(blocks[name]):
            flags = ("empty_thought",) if name != names[-1] else ()
            return Grade(0.0, f"The {_WORDS.get(name, name)} {_lack(blocks[name])}.", flags)
    words = [f"one {_WORDS.get(name, name)}" for name in names]
    return Grade(1.0, f"{', then '.join(words).capitalize()}, in the right tags.")


def read_tags(tags: str) -> list[str]:
    """The names between commas. Raises `BadInputError` for what is no name, or is there twice."""
    names = [name.strip().strip("<>") for name in tags.split(",")]
    if len(set(names)) < len(names) or not all(_NAME.fullmatch(name) for name in names):
        raise BadInputError(
            f"tags is {tags!r}",
            "it takes different names with commas between them",
            f"Write them as the prompt asks for them, such as {TAGS!r}",
        )
    return names


def check_format(entry: RewardEntry) -> None:
    """Raise `BadInputError` if the entry's tags cannot be read."""
    read_tags(entry.options.get("tags", TAGS))


def has_visible_text(text: str) -> bool:
    """Whether a letter or digit can be seen: blanks, dots and zero-width marks do not count."""
    return any(
        unicodedata.category(character)[0] in "LN" and character not in INVISIBLE_LETTERS
        for character in text
    )


def is_repetitive(text: str) -> bool:
    """Whether some stretch of 1,000 or more characters says the same over and over."""
    data = text.encode("utf-8", "surrogatepass")
    for start in range(0, len(data), WINDOW // 2):
        window = data[start : start + WINDOW]
        if len(window) < SHORTEST_WINDOW:
            break
        if len(zlib.compress(window, 1)) < REPETITIVE_BELOW * len(window):
            return True
    return False


def _lack(text: str) -> str:
    return "holds no letter or digit" if text.strip() else "is empty"


def _split(text: str, names: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Each block's content, and what stands before it; the order of tags may be wrong."""
    blocks, around, rest = {}, {}, text
    for name in names:
        before, opened, rest = rest.partition(f"<{name}>")
        blocks[name], closed, rest = rest.partition(f"</{name}>")
        around[name] = before if opened and closed else "swapped"
    return blocks, around
