"""The built-in graders, by name, with the options that a form can be drawn from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rft_core.errors import BadInputError, RftError
from rft_core.rewards.answers.equation import grade_equation
from rft_core.rewards.answers.matching import grade_choice, grade_exact_match, grade_numeric_match
from rft_core.rewards.answers.math_equivalence import MATH_EQUIVALENCE
from rft_core.rewards.answers.ranked import MULTI_ANSWER, RANKED
from rft_core.rewards.answers.reasoning import REASONING
from rft_core.rewards.code.answer import PROGRAM_ANSWER
from rft_core.rewards.code.stdout_tests import STDOUT_TESTS
from rft_core.rewards.code.unit_tests import UNIT_TESTS
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.formula import FORMULA
from rft_core.rewards.grader_info import (
    COLUMN,
    EXTRACTION,
    IGNORE_CASE,
    PARTIAL,
    TOLERANCE,
    GraderInfo,
    GraderOption,
    JailedGrading,
)
from rft_core.rewards.judge.judge import JUDGE
from rft_core.rewards.reward_model import REWARD_MODEL
from rft_core.rewards.structured.config_validity import CONFIG
from rft_core.rewards.structured.json_match import JSON_MATCH
from rft_core.rewards.structured.schema import SCHEMA
from rft_core.rewards.structured.sql_validity import SQL
from rft_core.rewards.text import pattern
from rft_core.rewards.text.assertions import ASSERTIONS
from rft_core.rewards.text.format import TAGS, check_format, grade_format
from rft_core.rewards.text.instructions import INSTRUCTIONS
from rft_core.rewards.text.length import LENGTH
from rft_core.rewards.text.openai_text import STRING_CHECK, TEXT_SIMILARITY
from rft_core.rewards.text.overlap import OVERLAP
from rft_core.rewards.text.repetition import REPETITION
from rft_core.rewards.text.similarity import SIMILARITY
from rft_core.rewards.triton.format import TRITON_FORMAT
from rft_core.rewards.triton.graders import COMPILATION, CORRECTNESS
from rft_core.sandbox.tiers import REFUSAL

__all__ = ["GRADERS", "GraderInfo", "GraderOption", "check_entry", "list_code", "refuse_code"]

GRADERS: dict[str, GraderInfo] = {
    "format": GraderInfo(
        "format",
        grade_format,
        "1 if the completion is one <think> block, then one <answer> block, and nothing else.",
        (
            GraderOption("tags", "text", TAGS, "The blocks' tags, in their order."),
            GraderOption(
                "think_opened_by_prompt", "bool", False, "The chat template opens the first tag."
            ),
        ),
        check=check_format,
    ),
    "equation": GraderInfo(
        "equation",
        grade_equation,
        "1 if the answer uses every number in 'nums' once and equals 'target' (Countdown).",
    ),
    "exact_match": GraderInfo(
        "exact_match",
        grade_exact_match,
        "1 if the answer is the gold text, white space aside.",
        (COLUMN, EXTRACTION, IGNORE_CASE),
    ),
    "numeric_match": GraderInfo(
        "numeric_match",
        grade_numeric_match,
        "1 if the answer is one number and equals the gold number.",
        (
            COLUMN,
            EXTRACTION,
            TOLERANCE,
            replace(
                TOLERANCE,
                name="relative_tolerance",
                help="The same, as a share of the gold number.",
            ),
            PARTIAL,
        ),
    ),
    "choice": GraderInfo(
        "choice",
        grade_choice,
        "1 if the answer is the letter of the right choice.",
        (COLUMN, EXTRACTION),
    ),
    "regex": GraderInfo(
        "regex",
        None,
        "1 if a regular expression matches the completion.",
        (
            GraderOption("pattern", "text", "", "Regular expression; '.' matches newlines too."),
            GraderOption("full", "bool", False, "It must match the whole completion."),
            IGNORE_CASE,
        ),
        jailed=JailedGrading(pattern.__name__, pattern.SECONDS),
        check=pattern.check_pattern,
    ),
    "length": LENGTH,
    "repetition": REPETITION,
    "similarity": SIMILARITY,
    "overlap": OVERLAP,
    "instructions": INSTRUCTIONS,
    "assertions": ASSERTIONS,
    "math_equivalence": MATH_EQUIVALENCE,
    "ranked": RANKED,
    "multi_answer": MULTI_ANSWER,
    "reasoning": REASONING,
    "schema": SCHEMA,
    "json_match": JSON_MATCH,
    "config": CONFIG,
    "sql": SQL,
    "unit_tests": UNIT_TESTS,
    "stdout_tests": STDOUT_TESTS,
    "program_answer": PROGRAM_ANSWER,
    "triton_format": TRITON_FORMAT,
    "triton_compilation": COMPILATION,
    "triton_correctness": CORRECTNESS,
    "judge": JUDGE,
    "reward_model": REWARD_MODEL,
    "formula": FORMULA,
    "string_check": STRING_CHECK,
    "text_similarity": TEXT_SIMILARITY,
}


def list_code(reward_set: RewardSet) -> list[str]:
    """The names of the entries that run code, the user's or the completions'."""
    coded = {PYTHON_GRADER} | {name for name, info in GRADERS.items() if info.runs_code}
    return [entry.name for entry in reward_set.entries if entry.grader in coded]


def refuse_code(reward_set: RewardSet, why: str) -> RftError:
    """The error for a machine where these entries cannot be locked in."""
    names = ", ".join(f"'{name}'" for name in list_code(reward_set))
    return RftError(
        f"Rewards that run code cannot be locked in on this machine: {names}",
        why,
        f"See `python -m rft_core sandbox`. {REFUSAL}",
    )


def check_entry(entry: RewardEntry) -> None:
    """Raise `BadInputError` unless the entry names a grader and fits its options."""
    if entry.grader == PYTHON_GRADER:
        if not entry.source:
            raise BadInputError(
                f"The reward '{entry.name}' has no Python source",
                "",
                "Write a function that takes `completions`",
            )
        return
    info = GRADERS.get(entry.grader)
    if info is None:
        raise BadInputError(
            f"There is no grader named '{entry.grader}'", "", f"Choose from {', '.join(GRADERS)}"
        )
    options = {option.name: option for option in info.options}
    for name, value in entry.options.items():
        if name not in options:
            raise BadInputError(
                f"The grader '{info.name}' has no option '{name}'",
                "",
                f"Its options are {', '.join(options) or 'none'}",
            )
        _check_value(info, options[name], value)
    if info.check:
        info.check(entry)


def _check_value(info: GraderInfo, option: GraderOption, value: Any) -> None:
    if problem := option.find_problem(value):
        raise BadInputError(
            f"The option '{option.name}' of '{info.name}' {problem}, not {value!r:.80}",
            "",
            f"Change it, or leave it out for {option.default!r}",
        )
