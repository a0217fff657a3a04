"""A constraint said in words, as a prompt says it: one sentence for each kind and its values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rft_core.tasks.constrained.topics import LANGUAGES

Constraint = Mapping[str, Any]


def say(constraint: Constraint) -> str:
    """What the constraint asks for."""
    return DEMANDS[constraint["kind"]](constraint)


def _count(thing: str, verb: str = "Use") -> Callable[[Constraint], str]:
    """ "Use at most 40 words."; `thing` is in the plural, its gaps are the constraint's values."""

    def said(constraint: Constraint) -> str:
        bounds = {"minimum": "at least", "maximum": "at most", "exactly": "exactly"}
        how = " and ".join(f"{bounds[b]} {constraint[b]}" for b in bounds if b in constraint)
        return f"{verb} {how} {thing.format(**constraint)}."

    return said


def _listed(constraint: Constraint) -> str:
    quoted = [f'"{word}"' for word in constraint["words"]]
    return " and ".join(quoted)


DEMANDS: Mapping[str, Callable[[Constraint], str]] = {
    "keywords": lambda c: f"Use the word{'s' * (len(c['words']) > 1)} {_listed(c)}.",
    "forbidden_words": lambda c: f"Do not use {_listed(c).replace(' and ', ' or ')}.",
    "keyword_count": _count('times the word "{word}"', "Write"),
    "letter_count": _count('letters "{letter}"'),
    "word_count": _count("words"),
    "sentence_count": _count("sentences", "Write"),
    "paragraph_count": _count("paragraphs, apart by blank lines", "Write"),
    "character_count": _count("characters"),
    "bullet_count": _count('bullet points that begin with "- "', "Give"),
    "highlight_count": _count("parts *highlighted* by stars", "Have"),
    "placeholder_count": _count("placeholders in square brackets such as [name]", "Put in"),
    "section_count": _count('sections that begin with the lines "{word} 1" and so on', "Make"),
    "capital_word_count": _count("words in CAPITALS", "Write"),
    "first_word": lambda c: f'Let the first word be "{c["word"]}".',
    "starts_with": lambda c: f'Begin with exactly these words: "{c["text"]}"',
    "ends_with": lambda c: f'End with exactly these words: "{c["text"]}"',
    "quoted": lambda c: "Put the whole answer in double quotation marks.",
    "no_commas": lambda c: "Use no commas.",
    "lowercase": lambda c: "Write everything in lower case.",
    "uppercase": lambda c: "Write everything in CAPITALS.",
    "json": lambda c: "Answer in JSON alone.",
    "title": lambda c: "Put a title in double angle brackets such as <<title>> on the first line.",
    "postscript": lambda c: f'End with a postscript that begins with "{c["marker"]}".',
    "language": lambda c: f"Write in {LANGUAGES[c['language']][0]}.",
}
