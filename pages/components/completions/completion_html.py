"""A completion as HTML. What the model wrote is untrusted: every piece of it is escaped here.

The only markup is this file's own; texts, names, reasons and flags enter through `safe_html`.
Knows no Streamlit: `view.py` puts the result on the page.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from pages.components.completions.word_diff import DiffPart
from pages.components.untrusted_text import safe_html
from rft_core.store.generations import StoredGeneration

PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/]+={0,2}")
LARGEST_ADVANTAGE = 2.5  # a full bar; with groups of 8 the largest possible is (8 - 1) / sqrt(8)


def completion_card(
    generation: StoredGeneration,
    *,
    title: str = "",
    reasons: bool = False,
    chosen: bool = False,
    unfolded: bool = False,
) -> str:
    """Reward, advantage and scores in a head line, the text below, and why each score, if asked."""
    head = [
        f'<span class="gen-title">{safe_html(title)}</span>' if title else "",
        f'<span class="gen-reward">reward {score_text(generation.reward)}</span>',
        advantage_bar(generation.advantage),
        *(f'<span class="gen-chip flag">⚑ {safe_html(flag)}</span>' for flag in generation.flags),
        "" if reasons else f'<div class="gen-scores">{score_chips(generation.scores)}</div>',
    ]
    return (
        f'<div class="gen{" chosen" if chosen else ""}"><div class="gen-head">{"".join(head)}</div>'
        f'<div class="gen-body">{completion_text(generation, unfolded=unfolded)}</div>'
        f"{_why(generation) if reasons else ''}</div>"
    )


def completion_text(generation: StoredGeneration, *, unfolded: bool = False) -> str:
    """The text with `<think>` folded, `<answer>` marked, and a note where it was cut off."""
    text, pieces, end = generation.completion, list[str](), 0
    for start, thought, stop in _find_marked(text, "think"):
        pieces += [_answers(text[end:start]), _fold(thought, unfolded)]
        end = stop
    rest = text[end:]
    pieces.append(_answers(rest.lstrip("\n") if pieces else rest))
    if generation.truncated:
        note = f"⋯ cut off at {generation.num_tokens:,} tokens"
        pieces.append(f'\n<span class="gen-cut">{note}</span>')
    if not text:
        pieces.append('<span class="gen-tag">(empty completion)</span>')
    return "".join(pieces)


def growing_text(text: str) -> str:
    """What has been written of a completion so far, as the completion will stand there."""
    return f'<div class="gen-live">{safe_html(text)}</div>'


def score_chips(scores: Mapping[str, float | None]) -> str:
    return "".join(
        f'<span class="gen-chip {_look(score)}">{safe_html(name)} {score_text(score)}</span>'
        for name, score in scores.items()
    )


def advantage_bar(advantage: float | None) -> str:
    """A bar from the middle: right and green when the completion is encouraged."""
    if advantage is None:
        return ""
    width = min(abs(advantage) / LARGEST_ADVANTAGE, 1.0) * 50
    side = "up" if advantage >= 0 else "down"
    return (
        f'<span class="gen-adv {side}" title="Advantage {advantage:+.3f}"><i>'
        f'<em style="width:{width:.1f}%"></em></i>{advantage:+.2f}</span>'
    )


def completion_grid(cards: Iterable[str]) -> str:
    """Cards side by side, as many in a row as there is room for."""
    return f'<div class="gen-grid">{"".join(cards)}</div>'


def diff_html(parts: Iterable[DiffPart]) -> str:
    tags = {"same": "span", "removed": "del", "added": "ins"}
    marked = (f"<{tags[p.change]}>{safe_html(p.text)}</{tags[p.change]}>" for p in parts)
    return f'<div class="gen-diff">{"".join(marked)}</div>'


def prompt_html(text: str, *, short: bool = False) -> str:
    return f'<div class="gen-prompt{" short" if short else ""}">{safe_html(text)}</div>'


def score_text(score: float | None) -> str:
    """`1`, `0.25`, and a dash for what could not be judged."""
    return "–" if score is None else f"{score:.3f}".rstrip("0").rstrip(".")


def evidence_html(shown: str) -> str:
    """What a reward function showed with a score: a picture, or a text as it is."""
    if not shown:
        return ""
    if PICTURE.fullmatch(shown):
        return f'<img class="gen-shown" src="{shown}" alt="Shown by the reward function">'
    return f'<div class="gen-shown">{safe_html(shown)}</div>'


def _why(generation: StoredGeneration) -> str:
    rows = "".join(
        f'<span class="gen-chip {_look(score)}">{safe_html(name)}</span><b>{score_text(score)}</b>'
        f'<span class="why">{safe_html(generation.reasons.get(name) or "no reason given")}'
        f"{evidence_html(generation.evidence.get(name, ''))}</span>"
        for name, score in generation.scores.items()
    )
    return f'<div class="gen-foot"><div class="gen-why">{rows}</div></div>' if rows else ""


def _look(score: float | None) -> str:
    if score is None:
        return "none"
    return "full" if score >= 1 else "zero" if score <= 0 else "some"


def _fold(thought: str, unfolded: bool) -> str:
    count = len(thought.split())
    return (
        f"<details{' open' if unfolded else ''}><summary>think · {count:,} words</summary>"
        f'<div class="gen-think">{safe_html(thought.strip())}</div></details>'
    )


def _answers(text: str) -> str:
    pieces, end = list[str](), 0
    for start, answer, stop in _find_marked(text, "answer"):
        pieces += [
            safe_html(text[end:start]),
            '<span class="gen-tag">&lt;answer&gt;</span>',
            f'<mark class="gen-answer">{safe_html(answer)}</mark>',
            '<span class="gen-tag">&lt;/answer&gt;</span>',
        ]
        end = stop
    return "".join([*pieces, safe_html(text[end:])])


def _find_marked(text: str, tag: str) -> Iterator[tuple[int, str, int]]:
    """Where each `<tag>…</tag>` begins, what it holds, and where it ends.

    Reads the text once: where one opening tag has no closing one after it, no later one has.
    """
    opening, closing, end = f"<{tag}>", f"</{tag}>", 0
    while (start := text.find(opening, end)) >= 0:
        inside = start + len(opening)
        if (stop := text.find(closing, inside)) < 0:
            return
        end = stop + len(closing)
        yield start, text[inside:stop], end


def download_links(urls: Mapping[str, str]) -> str:
    """Links by what they say, which load a file and leave the page as it is."""
    links = (
        f'<a class="gen-download" href="{safe_html(url)}" download>{safe_html(name)}</a>'
        for name, url in urls.items()
    )
    return f'<div class="gen-downloads">{"".join(links)}</div>'
