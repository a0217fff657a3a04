"""Length as a reward: full inside the wanted range, falling in proportion outside it."""

from __future__ import annotations

from rft_core.errors import BadInputError
from rft_core.rewards.contract import Grade, RewardEntry
from rft_core.rewards.grader_info import GraderInfo, GraderOption
from rft_core.types import Row


def grade_length(
    completion: str,
    row: Row,
    *,
    unit: str = "characters",
    minimum: int = 0,
    maximum: int = 0,
    target: int = 0,
    num_tokens: int | None = None,
) -> Grade:
    """1 at the target or between minimum and maximum (0: no limit), less the further away.

    `num_tokens` is known only where a model sampled the completion; without it, length in tokens
    is left unscored.
    """
    words = len(completion.split())
    length = {"characters": len(completion), "words": words, "tokens": num_tokens}[unit]
    if length is None:
        return Grade(None, "The number of tokens is known only for sampled completions.")
    if target:
        score = max(0.0, 1 - abs(length - target) / target)
        return Grade(score, f"{length:,} {unit}; {target:,} are wanted.")
    if length < minimum:
        return Grade(length / minimum, f"{length:,} {unit}; at least {minimum:,} are wanted.")
    if maximum and length > maximum:
        return Grade(maximum / length, f"{length:,} {unit}; at most {maximum:,} are wanted.")
    return Grade(1.0, f"{length:,} {unit}, as wanted.")


def check_length(entry: RewardEntry) -> None:
    """Raise `BadInputError` for a range that no length is in."""
    options = LENGTH.with_defaults(entry)
    if 0 < options["maximum"] < options["minimum"]:
        raise BadInputError(
            f"The minimum of '{entry.name}' is above its maximum",
            "",
            "Set maximum to 0 for no limit, or above minimum",
        )


LENGTH = GraderInfo(
    "length",
    grade_length,
    "1 if the completion has the wanted length, less the further it is away.",
    (
        GraderOption(
            "unit", "text", "characters", "What is counted.", ("characters", "words", "tokens")
        ),
        GraderOption("minimum", "int", 0, "Shortest length with full score.", minimum=0),
        GraderOption(
            "maximum", "int", 0, "Longest length with full score; 0: no limit.", minimum=0
        ),
        GraderOption("target", "int", 0, "Best length; 0: use minimum and maximum.", minimum=0),
    ),
    takes_num_tokens=True,
    check=check_length,
)
