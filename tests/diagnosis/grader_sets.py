"""Reward sets of built-in graders: name -> (prompts, set). The planted ones can be gamed."""

from rft_core.rewards.contract import RewardEntry, RewardSet


def _set(*entries: RewardEntry) -> RewardSet:
    return RewardSet(entries)


FORM = RewardEntry("form", "format")
SOUND: dict[str, tuple[str, RewardSet]] = {
    "exact match alone": ("capitals", _set(RewardEntry("exact", "exact_match"))),
    "the whole text, any case": (
        "capitals",
        _set(
            RewardEntry(
                "exact", "exact_match", options={"extraction": "whole", "ignore_case": True}
            )
        ),
    ),
    "number in a box": (
        "word_problems",
        _set(RewardEntry("number", "numeric_match", options={"extraction": "boxed"})),
    ),
    "number with a small tolerance": (
        "word_problems",
        _set(FORM, RewardEntry("number", "numeric_match", 2.0, {"tolerance": 0.01})),
    ),
    "number only in the form": (
        "word_problems",
        _set(FORM, RewardEntry("number", "numeric_match", only_if="form")),
    ),
    "choice with a penalty for flags": (
        "mathqa",
        _set(FORM, RewardEntry("letter", "choice", when_flagged=-1.0)),
    ),
    "formula equivalence": (
        "word_problems",
        _set(FORM, RewardEntry("value", "math_equivalence")),
    ),
    "number and a length": (
        "word_problems",
        _set(
            RewardEntry("number", "numeric_match"),
            RewardEntry("length", "length", 0.2, {"maximum": 600}),
        ),
    ),
    "number and no repetition": (
        "word_problems",
        _set(RewardEntry("number", "numeric_match"), RewardEntry("varied", "repetition", 0.2)),
    ),
    "likeness to the gold": (
        "translations",
        _set(RewardEntry("like", "similarity", options={"extraction": "whole"})),
    ),
    "overlap with the gold": (
        "translations",
        _set(RewardEntry("overlap", "overlap", options={"extraction": "whole"})),
    ),
    "equal strings": (
        "capitals",
        _set(
            RewardEntry(
                "equal",
                "string_check",
                options={
                    "input": "{{sample.output_text}}",
                    "reference": "{{item.answer}}",
                    "operation": "eq",
                },
            )
        ),
    ),
    "JSON fields": ("json_output", _set(RewardEntry("fields", "json_match"))),
    "JSON fields, partly": (
        "json_output",
        _set(RewardEntry("fields", "json_match", options={"partial": True})),
    ),
    "JSON schema": ("json_output", _set(RewardEntry("schema", "schema"))),
    "first of a ranking": (
        "capitals",
        _set(RewardEntry("rank", "ranked", options={"top": 3})),
    ),
    "all right answers": ("capitals", _set(RewardEntry("set", "multi_answer"))),
    "rank in the group": (
        "word_problems",
        _set(RewardEntry("number", "numeric_match", in_group="rank")),
    ),
    "form alone": ("word_problems", _set(FORM)),
    "equation in the form": (
        "countdown",
        _set(FORM, RewardEntry("equation", "equation", 3.0, only_if="form")),
    ),
}

PLANTED: dict[str, tuple[str, RewardSet]] = {
    "any text at all": (
        "word_problems",
        _set(RewardEntry("any", "regex", options={"pattern": "."})),
    ),
    "a pattern anywhere": (
        "word_problems",
        _set(RewardEntry("tags", "regex", options={"pattern": "<answer>.*</answer>"})),
    ),
    "a tolerance of ten": (
        "word_problems",
        _set(FORM, RewardEntry("number", "numeric_match", options={"tolerance": 10.0})),
    ),
    "contains the gold": (
        "capitals",
        _set(
            RewardEntry(
                "contains",
                "string_check",
                options={
                    "input": "{{sample.output_text}}",
                    "reference": "{{item.answer}}",
                    "operation": "ilike",
                },
            )
        ),
    ),
    "the longer the better": (
        "word_problems",
        _set(
            RewardEntry("number", "numeric_match"),
            RewardEntry("long", "length", 1.0, {"minimum": 5000}),
        ),
    ),
    "nothing but short": (
        "word_problems",
        _set(RewardEntry("short", "length", options={"maximum": 200})),
    ),
    "any place in a long list": (
        "capitals",
        _set(RewardEntry("rank", "ranked", options={"top": 50, "credit": "any"})),
    ),
    "only not repetitive": ("word_problems", _set(RewardEntry("varied", "repetition"))),
}
