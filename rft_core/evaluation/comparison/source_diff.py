"""How the rewards and the prompts of two runs differ, as unified diffs. Pure functions."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import chain
from typing import Literal

from rft_core.data import PromptSet
from rft_core.evaluation.held_out import make_row_id
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.types import Row

SHARED_CODE = "code around the functions"
CONTEXT = 3  # lines around a change

Fate = Literal["added", "removed", "changed"]


@dataclass(frozen=True)
class PartDiff:
    """One named part (a reward function, a template) that is not the same in both runs.

    `lines`: a unified diff without its two head lines.
    """

    name: str
    fate: Fate
    lines: tuple[str, ...]


@dataclass(frozen=True)
class PromptsDiff:
    """Two prompt sets: their names, what their templates differ in, and how many rows they share.

    `train` and `validation` count rows: of the first only, of both, of the second only.
    """

    names: tuple[str, str]
    templates: tuple[PartDiff, ...]
    train: tuple[int, int, int]
    validation: tuple[int, int, int]

    @property
    def sentence(self) -> str:
        template = "other templates" if self.templates else "the same template"
        rows = ", ".join(
            f"{shared} {split} rows in both ({first} only in the first, {second} only in the "
            "second)"
            for split, (first, shared, second) in (
                ("training", self.train), ("validation", self.validation),
            )
        )  # fmt: skip
        return f"{template[0].upper()}{template[1:]}; {rows}."


def diff_rewards(first: RewardSet | None, second: RewardSet | None) -> list[PartDiff]:
    """Function by function, in the order of the first set and then of the second."""
    return diff_parts(_describe_rewards(first), _describe_rewards(second))


def diff_prompts(first: PromptSet, second: PromptSet) -> PromptsDiff | None:
    """None where both are one."""
    if first.id == second.id:
        return None
    templates = diff_parts(
        {"system": first.template.system.splitlines(), "user": first.template.user.splitlines()},
        {"system": second.template.system.splitlines(), "user": second.template.user.splitlines()},
    )
    return PromptsDiff(
        (first.name, second.name),
        tuple(templates),
        _count_shared(first.train_rows, second.train_rows),
        _count_shared(first.validation_rows, second.validation_rows),
    )


def diff_parts(first: dict[str, list[str]], second: dict[str, list[str]]) -> list[PartDiff]:
    found = []
    for name in dict.fromkeys(chain(first, second)):
        before, after = first.get(name, []), second.get(name, [])
        if before == after:
            continue
        fate: Fate = (
            "added" if name not in first else "removed" if name not in second else "changed"
        )
        lines = list(unified_diff(before, after, lineterm="", n=CONTEXT))[2:]
        found.append(PartDiff(name, fate, tuple(lines)))
    return found


def _describe_rewards(rewards: RewardSet | None) -> dict[str, list[str]]:
    """Of each function the lines that say what it is; Python around the functions is a part."""
    parts: dict[str, list[str]] = {}
    around: list[str] = []
    for entry in rewards.entries if rewards else ():
        own, rest = _split_source(entry)
        parts[entry.name] = [*_describe_entry(entry), *own]
        around += rest if rest and rest != around[-len(rest) :] else []
    if around:
        parts[SHARED_CODE] = around
    if rewards and rewards.truth:
        parts["what decides"] = sorted(rewards.truth)
    return parts


def _describe_entry(entry: RewardEntry) -> list[str]:
    options = [f"{name}: {json.dumps(value)}" for name, value in sorted(entry.options.items())]
    shaping = [f"{name}: {json.dumps(value)}" for name, value in entry.shaping.items()]
    return [f"weight: {entry.weight:g}", f"grader: {entry.grader}", *options, *shaping]


def _split_source(entry: RewardEntry) -> tuple[list[str], list[str]]:
    """The function's own lines, and those of its module that belong to no function of its kind.

    All lines are the function's own where it is not written out as a function of the module.
    """
    lines = (entry.source or "").splitlines()
    try:
        body = ast.parse(entry.source or "").body
    except SyntaxError:
        return lines, []
    functions = {
        node.name: (_first_line(node), node.end_lineno or node.lineno)
        for node in body
        if isinstance(node, ast.FunctionDef) and _takes_completions(node)
    }
    if entry.function not in functions:
        return lines, []
    start, end = functions[entry.function]
    taken = {at for first, last in functions.values() for at in range(first, last + 1)}
    rest = [line for at, line in enumerate(lines, 1) if at not in taken and line.strip()]
    return lines[start - 1 : end], rest


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _takes_completions(node: ast.FunctionDef) -> bool:
    names = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}
    return "completions" in names or node.args.kwarg is not None


def _count_shared(first: Sequence[Row], second: Sequence[Row]) -> tuple[int, int, int]:
    one = {make_row_id(row) for row in first}
    other = {make_row_id(row) for row in second}
    return len(one - other), len(one & other), len(other - one)
