"""Format: exactly one <think>…</think> that holds thought, then one <answer>…</answer>, no more.

1 or 0, nothing in between: partial credit for single tags teaches a model to spam tags. All
checks count and compare; none is a regular expression, so 50 kB of unclosed tags cost nothing.
It looks at the form alone: whether the thought or the answer is any good is for other graders.
"""

from __future__ import annotations

import unicodedata
import zlib

from rft_core.rewards.contract import Grade, Row

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
INVISIBLE_LETTERS = "\u115f\u1160\u3164\uffa0"  # Hangul fillers: letters by class, blank to the eye

WINDOW = 2000
SHORTEST_WINDOW = 1000
REPETITIVE_BELOW = 0.08  # compressed / raw size; prose, code and sums stay above 0.2


def grade_format(completion: str, row: Row, *, think_opened_by_prompt: bool = False) -> Grade:
    """1 if the completion is thought then answer, in the right tags and nothing around them.

    `think_opened_by_prompt`: the chat template ends with <think>, so the completion lacks it.
    """
    text = completion.strip()
    if think_opened_by_prompt and not text.startswith("<think>"):
        text = "<think>" + text
    for tag in TAGS:
        count = text.count(tag)
        if count != 1:
            flags = ("repeated_tags",) if count > 1 else ()
            return Grade(0.0, f"{tag} is there {count} times, not once.", flags)
    thought, between, answer = _split(text)
    if not text.startswith("<think>") or not text.endswith("</answer>"):
        return Grade(0.0, "There is text before <think> or after </answer>, or they are swapped.")
    if between.strip():
        return Grade(0.0, "There is text between </think> and <answer>, or they are swapped.")
    if not has_visible_text(thought):
        return Grade(0.0, f"The thought {_lack(thought)}.", ("empty_thought",))
    if not has_visible_text(answer):
        return Grade(0.0, f"The answer {_lack(answer)}.")
    return Grade(1.0, "One thought, then one answer, in the right tags.")


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


def _split(text: str) -> tuple[str, str, str]:
    """Thought, what stands between the blocks, and answer; the order of tags may be wrong."""
    _, _, rest = text.partition("<think>")
    thought, _, rest = rest.partition("</think>")
    between, opened, rest = rest.partition("<answer>")
    answer, closed, _ = rest.partition("</answer>")
    return thought, between if opened and closed else "swapped", answer
