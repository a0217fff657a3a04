"""A judged or yet to be judged answer as HTML: its place, perhaps its lane, and its text."""

from __future__ import annotations

from pages.components.completions.completion_html import completion_text
from pages.components.completions.view import as_generation
from pages.components.untrusted_text import safe_html
from rft_core.store.preferences import Judgement, ShownAnswer
from rft_core.types import Completion

ORDINALS = ("", "1st", "2nd", "3rd", "4th")


def answer_card(answer: ShownAnswer, *, title: str = "", place: int | None = None) -> str:
    """No reward stands here: it would judge before the person does."""
    completion = Completion(answer.text, (0,) * answer.num_tokens, answer.truncated)
    chip = f'<span class="gen-place p{place}">{ORDINALS[place]}</span>' if place else ""
    name = f'<span class="gen-title">{safe_html(title)}</span>' if title else ""
    hint = "" if chip or name else '<span class="gen-title">no place yet</span>'
    return (
        f'<div class="gen{" chosen" if place == 1 else ""}">'
        f'<div class="gen-head">{chip}{name}{hint}</div>'
        f'<div class="gen-body">{completion_text(as_generation(completion), unfolded=True)}</div>'
        "</div>"
    )


def verdict_html(judgement: Judgement) -> str:
    """'A finished > B base': the places and whose answers they were, now that it is judged."""
    if judgement.ranks is None:
        return '<div class="gen-verdict">Skipped</div>'
    tiers = []
    for place in sorted(set(judgement.ranks)):
        names = [
            f"<b>{chr(65 + at)}</b> {safe_html(answer.lane)}"
            for at, (rank, answer) in enumerate(
                zip(judgement.ranks, judgement.shown.answers, strict=True)
            )
            if rank == place
        ]
        tiers.append(f'<span class="gen-place p{place}">{" = ".join(names)}</span>')
    return f'<div class="gen-verdict">{" &gt; ".join(tiers)}</div>'
