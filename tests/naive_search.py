"""Which generations a filter lets through, told by a look at each: no index, and no SQL."""

from rft_core.store.generations import StoredGeneration
from rft_core.store.search import GenerationFilter

LONGEST = 30  # characters of a completion that is looked at here


def holds_text(completion: str, text: str) -> bool:
    """ASCII finds ASCII, and stops at a NUL as LIKE does; else every script's case is folded."""
    if len(text) > LONGEST:
        return False  # longer than every completion
    if text.isascii() and "\0" not in text:
        return lower(text) in lower(completion.partition("\0")[0])
    return text.casefold() in completion.casefold()


def lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _is_within(step: int, first: int | None, last: int | None) -> bool:
    if last is None:
        return first in (None, step)
    return (first or 0) <= step <= last


def passes(g: StoredGeneration, f: GenerationFilter) -> bool:
    low = -1e308 if f.min_score is None else f.min_score
    high = 1e308 if f.max_score is None else f.max_score
    bounded = f.function or f.min_score is not None or f.max_score is not None
    score = g.scores.get(f.function) if f.function else g.reward
    return (
        _is_within(g.step, f.step, f.last_step)
        and (not f.ids or g.id in f.ids)
        and f.split in (None, g.split)
        and f.prompt_id in (None, g.prompt_id)
        and f.truncated in (None, g.truncated)
        and (not f.flag or f.flag in g.flags)
        and (not f.unscored or None in g.scores.values())
        and (not bounded or (score is not None and low <= score <= high))
        and (not f.text or holds_text(g.completion, f.text))
    )
