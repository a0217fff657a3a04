"""A reward set as OpenAI's grader JSON: its only grader, or a `multi`; see `openai_graders.py`.

Graders that OpenAI has stay what they are, and others become `python` graders that bring their code
along. What has no counterpart there is refused by name, all of it at once, and what means a little
less there is said in remarks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, SHAPING, RewardEntry, RewardSet
from rft_core.rewards.exchange.openai_graders import ADAPTER_MARK
from rft_core.rewards.exchange.trl_module import list_obstacles, write_module
from rft_core.rewards.formula import FORMULA, formula_names
from rft_core.rewards.scorer import check_reward_set
from rft_core.rewards.text.openai_text import OUTPUT

LONGEST_SOURCE = 256_000  # bytes of a python grader, says OpenAI
NONE_IS_ZERO = "A score of None becomes 0: OpenAI's graders cannot leave a sample unscored."
ENDPOINT_STAYS = "The judges' own endpoints are not exported: OpenAI asks its own models."
# Its own names begin with _: no reward function is called like that.
_GRADE = '''


def grade(sample, item):
    """OpenAI's call of the reward function, for one sample."""
    import inspect as _inspect

    _keywords = {{name: [value] for name, value in item.items()}}
    _keywords |= {{"completions": [sample["output_text"]], "prompts": [[]], "completion_ids": [[]]}}
    _keywords |= {{"trainer_state": None, "log_extra": print, "log_metric": print}}
    _taken = _inspect.signature({function}).parameters
    if not any(p.kind is p.VAR_KEYWORD for p in _taken.values()):
        _keywords = {{name: _keywords[name] for name in _taken if name in _keywords}}
    [_score] = {function}(**_keywords)
    return 0.0 if _score is None else float(_score)
'''


@dataclass(frozen=True)
class Exported:
    """A file's text, and what is different where it goes."""

    text: str
    remarks: tuple[str, ...] = ()


def export_graders(rewards: RewardSet) -> Exported:
    """Raises one `BadInputError` that names everything OpenAI cannot express."""
    check_reward_set(rewards)
    leaves = {e.name: e for e in rewards.entries if e.grader != FORMULA.name}
    written = {name: _write(entry, rewards) for name, entry in leaves.items()}
    obstacles = [why for name, why in written.items() if isinstance(why, str)]
    obstacles += list(_list_shaped_formulas(rewards))
    if obstacles:
        raise BadInputError(
            "OpenAI has no grader like this",
            "; ".join(obstacles),
            "Export a set without these functions",
        )
    graders = {name: spec for name, spec in written.items() if isinstance(spec, dict)}
    [only, *others] = rewards.entries
    if not others and only.weight == 1 and only.name in graders and not _has_bounds(only):
        spec = graders[only.name]
    else:
        spec = {"type": "multi", "name": rewards.name or "rewards", "graders": graders,
                "calculate_output": _sum(rewards)}  # fmt: skip
    text = json.dumps(spec, indent=2, ensure_ascii=False)
    return Exported(text, tuple(_list_remarks(rewards, graders)))


def _sum(rewards: RewardSet) -> str:
    """The weighted sum; a function with weight 0 stands among the graders and is not named."""
    terms = []
    for entry in rewards.entries:
        value = entry.name
        if entry.grader == FORMULA.name:
            value = str(entry.options["expression"])
        bounded = _bound(value, entry) if _has_bounds(entry) else value
        if entry.weight == 1:
            terms.append(bounded)
        elif entry.weight:
            is_name = bounded == entry.name or bounded != value
            terms.append(f"{_number(entry.weight)} * {bounded if is_name else f'({bounded})'}")
    return " + ".join(terms) or "0"


def _has_bounds(entry: RewardEntry) -> bool:
    """Bounds and nothing else, which the sum can say."""
    return bool(entry.shaping) and set(entry.shaping) <= {"clip_low", "clip_high"}


def _bound(value: str, entry: RewardEntry) -> str:
    if entry.clip_low is not None:
        value = f"max({value}, {_number(entry.clip_low)})"
    return f"min({value}, {_number(entry.clip_high)})" if entry.clip_high is not None else value


def _number(value: float) -> str:
    """Exactly this number, in digits that every reader of formulas knows: no 1e-07."""
    return f"{Decimal(repr(float(value))):f}".removesuffix(".0")


def _list_shaped_formulas(rewards: RewardSet) -> Iterator[str]:
    """A formula sees the others' scores as they are given, also where a gate then changes them."""
    for formula in rewards.entries:
        if formula.grader != FORMULA.name:
            continue
        if formula.shaping and not _has_bounds(formula):
            yield _because(formula, "a formula's result cannot be gated or compared there")
        for name in sorted(formula_names(str(formula.options["expression"]))):
            entry = next(entry for entry in rewards.entries if entry.name == name)
            if entry.shaping and not _has_bounds(entry):
                yield _because(entry, f"'{formula.name}' needs its score from before the gate")


def _write(entry: RewardEntry, rewards: RewardSet) -> dict[str, Any] | str:
    """OpenAI's own grader, or one in Python; a text says why neither can be."""
    if not entry.name.isidentifier():
        return _because(entry, "its name cannot stand in a formula: rename it")
    options = dict(entry.options)
    if _has_bounds(entry):
        entry = replace(entry, clip_low=None, clip_high=None)
    if not entry.shaping:
        if native := _write_native(entry, options):
            return {"name": entry.name, **native}
        if ADAPTER_MARK in (entry.source or ""):
            source = (entry.source or "").partition(ADAPTER_MARK)[0]
            return {"type": "python", "name": entry.name, "source": source}
    return _write_python(entry, rewards)


def _write_native(entry: RewardEntry, options: Mapping[str, Any]) -> dict[str, Any] | None:
    if entry.grader == "string_check":
        defaults = {"input": OUTPUT, "reference": "", "operation": "eq"}
        return {"type": "string_check", **defaults, **options}
    if entry.grader == "text_similarity":
        metric = options.get("metric", "fuzzy_match")
        texts = {name: value for name, value in options.items() if name != "metric"}
        defaults = {"input": OUTPUT, "reference": ""}
        return {"type": "text_similarity", "evaluation_metric": metric, **defaults, **texts}
    if entry.grader == "judge" and options.get("messages") and options.get("raw"):
        return _write_model(options)
    return None


def _write_model(options: Mapping[str, Any]) -> dict[str, Any]:
    spec = {"model": options["model"], "input": json.loads(options["messages"])}
    if options.get("labels"):
        return {"type": "label_model", **spec, "labels": json.loads(options["labels"]),
                "passing_labels": json.loads(options["passing_labels"])}  # fmt: skip
    bounds = [options.get("minimum", 0.0), options.get("maximum", 10.0)]
    return {"type": "score_model", **spec, "range": bounds}


def _write_python(entry: RewardEntry, rewards: RewardSet) -> dict[str, Any] | str:
    """The function with all that it needs. One that is gated brings its gate along."""
    if entry.options.get("unit") == "tokens":
        return _because(entry, "it counts tokens, which graders are not shown there")
    gates = [other for other in rewards.entries if other.name == entry.only_if]
    needed = (*(replace(gate, **_UNSHAPED) for gate in gates), entry)
    for name, why in list_obstacles(needed):
        of = f" (its gate '{name}')" if name != entry.name else ""
        return _because(entry, why + of)
    if entry.grader == PYTHON_GRADER and not entry.shaping:
        source, function = entry.source or "", entry.function
    else:
        source, function = write_module(RewardSet(needed, entry.name)), entry.name
    source += _GRADE.format(function=function)
    if len(source.encode("utf-8", "replace")) > LONGEST_SOURCE:
        return _because(entry, f"its source has more than {LONGEST_SOURCE:,} bytes")
    return {"type": "python", "name": entry.name, "source": source}


_UNSHAPED: dict[str, Any] = {
    field.name: field.default for field in fields(RewardEntry) if field.name in SHAPING
}


def _list_remarks(rewards: RewardSet, graders: Mapping[str, dict[str, Any]]) -> Iterator[str]:
    if any(spec["type"] == "python" for spec in graders.values()):
        yield NONE_IS_ZERO
    if any(entry.grader == "judge" for entry in rewards.entries):
        yield ENDPOINT_STAYS


def _because(entry: RewardEntry, why: str) -> str:
    return f"'{entry.name}': {why}"
