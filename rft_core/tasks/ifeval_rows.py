"""IFEval's rows as ours: `instruction_id_list` with `kwargs` becomes a list of constraints.

Each instruction becomes the constraint that means the same. On three models' answers 98.0% of our
verdicts are those of the published checker (`benchmarks/ifeval_agreement.py`); where they differ it
is by rule. A keyword is a whole word here ("war" is not in "warm"). Capitals and small letters are
asked for in any language, since its detector takes a list of names in capitals for German. What
hyphens join is one word. Numbers in front of a list's items end no sentence. An item marked
twice in one line counts once, and a head of a section has text behind it. A row with an instruction
that none of ours means (a fixed set of answers, two responses in one, the first word of a later
paragraph, a language that is not known) cannot be used: half of its instructions would be another
task.
Source: https://huggingface.co/datasets/google/IFEval (arXiv 2311.07911).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rft_core.rewards.text.instructions import find_constraint_problem
from rft_core.types import Row

IDS, VALUES = "instruction_id_list", "kwargs"

Values = Mapping[str, Any]
Constraint = dict[str, Any]


def constraints_of(row: Row) -> Row:
    """The row's `constraints`. Raises `ValueError` with what is not known here."""
    names, many = row[IDS], row[VALUES]
    if not isinstance(names, list) or not isinstance(many, list) or len(names) != len(many):
        raise ValueError(f"'{IDS}' and '{VALUES}' are not two lists of the same length")
    ours = [str(name).removeprefix("en:") for name in names]  # a prefix of multilingual copies
    constraints = [_convert(name, values) for name, values in zip(ours, many, strict=True)]
    if problem := find_constraint_problem(constraints):
        raise ValueError(problem)
    return {"constraints": constraints}


def _convert(name: str, values: Any) -> Constraint:
    if name not in CONVERTERS:
        raise ValueError(f"the instruction '{name}' is not known here")
    given = values if isinstance(values, Mapping) else {}
    try:
        return CONVERTERS[name]({key: v for key, v in given.items() if v is not None})
    except KeyError as error:
        raise ValueError(f"the instruction '{name}' has no {error}") from error


def _bounds(count: Any, relation: str = "at least") -> Constraint:
    """IFEval knows two relations."""
    if not isinstance(count, int | float) or count != int(count):
        raise ValueError(f"{count!r:.20} is not a whole number")
    if relation not in ("at least", "less than"):
        raise ValueError(f"the relation '{relation}' is not known")
    return {"minimum": int(count)} if relation == "at least" else {"maximum": int(count) - 1}


def _plain(kind: str, **names: str) -> Callable[[Values], Constraint]:
    """Our value for each of theirs: `word="keyword"`."""
    return lambda values: {"kind": kind} | {ours: values[name] for ours, name in names.items()}


def _counted(
    kind: str, number: str, relation: str = "", **names: str
) -> Callable[[Values], Constraint]:
    """The same with a count, in the relation that the value `relation` names."""
    plain = _plain(kind, **names)
    return lambda values: plain(values) | _bounds(values[number], values.get(relation, "at least"))


def _exactly(kind: str, number: str) -> Callable[[Values], Constraint]:
    return lambda values: {"kind": kind, "exactly": _bounds(values[number])["minimum"]}


def _with(convert: Callable[[Values], Constraint], **more: Any) -> Callable[[Values], Constraint]:
    """What the published checker means besides, and its values do not say."""
    return lambda values: convert(values) | more


CONVERTERS: Mapping[str, Callable[[Values], Constraint]] = {
    "keywords:existence": _plain("keywords", words="keywords"),
    "keywords:forbidden_words": _plain("forbidden_words", words="forbidden_words"),
    "keywords:frequency": _counted("keyword_count", "frequency", "relation", word="keyword"),
    "keywords:letter_frequency": _counted(
        "letter_count", "let_frequency", "let_relation", letter="letter"
    ),
    "language:response_language": _plain("language", language="language"),
    "length_constraints:number_sentences": _counted("sentence_count", "num_sentences", "relation"),
    "length_constraints:number_paragraphs": _with(
        _exactly("paragraph_count", "num_paragraphs"), separator="***"
    ),
    "length_constraints:number_words": _counted("word_count", "num_words", "relation"),
    "detectable_content:number_placeholders": _counted("placeholder_count", "num_placeholders"),
    "detectable_content:postscript": _plain("postscript", marker="postscript_marker"),
    "detectable_format:number_bullet_lists": _exactly("bullet_count", "num_bullets"),
    "detectable_format:number_highlighted_sections": _counted("highlight_count", "num_highlights"),
    "detectable_format:multiple_sections": _counted(
        "section_count", "num_sections", word="section_spliter"
    ),
    "detectable_format:json_format": _plain("json"),
    "detectable_format:title": _with(_plain("title"), anywhere=True),
    "combination:repeat_prompt": _with(
        _plain("starts_with", text="prompt_to_repeat"), any_case=True
    ),
    "startend:end_checker": _with(_plain("ends_with", text="end_phrase"), any_case=True),
    "startend:quotation": _with(_plain("quoted"), edges_only=True),
    "change_case:capital_word_frequency": _counted(
        "capital_word_count", "capital_frequency", "capital_relation"
    ),
    "change_case:english_capital": _plain("uppercase"),
    "change_case:english_lowercase": _plain("lowercase"),
    "punctuation:no_comma": _plain("no_commas"),
}
