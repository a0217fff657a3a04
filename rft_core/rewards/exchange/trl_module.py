"""A reward set as a Python module to take away: `GRPOTrainer(reward_funcs=REWARD_FUNCS, ...)`.

Python functions stay as they were written and built-in graders bring their code along, so that the
module needs nothing of this project. Formulas, gates and bounds become functions that call the
others. What a lone function cannot do is refused by name: to ask a judge, to run programs in the
sandbox, to be compared within a group, to count less where another function found a trick.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rft_core.errors import BadInputError
from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry, RewardSet
from rft_core.rewards.exchange.standalone import (
    LOADER,
    alias_of,
    as_literal,
    collect_modules,
)
from rft_core.rewards.formula import FORMULA, FUNCTIONS, formula_names, read_formula
from rft_core.rewards.registry import GRADERS
from rft_core.rewards.scorer import check_reward_set
from rft_core.rewards.source_functions import find_other_callables

_BUILT_IN = '''
def {name}(completions, **columns):
    """{help}"""
    return _grade(_member("{module}", "{function}"), {options!r}, completions, columns)
'''
_JAILED = '''
def {name}(completions, **columns):
    """{help}"""
    return _grade_one(_member("{module}", "grade_one"), {options!r}, completions, columns)
'''
_PASSED_ON = '''
def {name}(completions, **columns):
    """{help}"""
    return _call(_member("{module}", "{function}"), completions, columns)
'''
_COMBINED = '''
def {name}(completions, **columns):
    """{help}"""
    return _combine(lambda {names}: {expression}, ({functions}), completions, columns)
'''


_HEAD = '''\
"""{title}: reward functions for TRL, exported from RFT Studio.

    GRPOTrainer(reward_funcs=REWARD_FUNCS, args=GRPOConfig(reward_weights=REWARD_WEIGHTS), ...)
"""

WEIGHTS = {weights}
'''
_FOOT = """

REWARD_FUNCS = [_for_trl(function) for function in ({functions},)]
REWARD_WEIGHTS = {weights}
"""


@dataclass(frozen=True)
class _ExportPlan:
    """Where things stand in the module. `inline`: the source that stands there as it was written;
    `modules`: the other sources' names; `raw`: the functions whose scores formulas and gates see.
    """

    inline: str
    modules: Mapping[str, str]
    raw: Mapping[str, str]


def list_obstacles(entries: Sequence[RewardEntry]) -> Iterator[tuple[str, str]]:
    """(name, why) for every entry that a lone function cannot stand for."""
    for entry in entries:
        info = GRADERS.get(entry.grader)
        if not entry.name.isidentifier() or keyword.iskeyword(entry.name):
            yield entry.name, "its name is no name in Python: rename it"
        elif info and info.open:
            asks = "asks a judge" if entry.grader == "judge" else "runs programs in the sandbox"
            yield entry.name, f"it {asks}, which a function by itself cannot"
        elif why := find_other_callables(entry.source or "").get(entry.function):
            yield entry.name, f"{why}: write one that calls it"
        if entry.when_flagged is not None:
            yield entry.name, "it counts less where any function found a trick"
        if entry.in_group:
            yield entry.name, "it is compared with the other completions of its prompt"


def write_module(rewards: RewardSet) -> str:
    """The module's text. Raises one `BadInputError` with every reason why not."""
    check_reward_set(rewards)
    obstacles = [f"'{name}': {why}" for name, why in list_obstacles(rewards.entries)]
    if obstacles:
        raise BadInputError(
            "These rewards cannot be a Python module",
            "; ".join(obstacles),
            "Export a set without these functions",
        )
    plan = _make_plan(rewards.entries)
    weights = {entry.name: entry.weight for entry in rewards.entries}
    parts = [
        _HEAD.format(title=_one_line(rewards.name) or "Rewards", weights=weights),
        f"\n\n{plan.inline.strip()}\n" if plan.inline else "",
        *(f"\n{text}" for entry in rewards.entries for text in _write_entry(entry, plan)),
        "\n\n" + _read_runtime(),
        _write_modules(rewards.entries, plan),
        _FOOT.format(functions=", ".join(weights), weights=list(weights.values())),
    ]
    return "".join(parts)


def _make_plan(entries: Sequence[RewardEntry]) -> _ExportPlan:
    """A lone source stays as it was written, unless something in it would get in the way."""
    written = [entry for entry in entries if entry.grader == PYTHON_GRADER]
    sources = list(dict.fromkeys(entry.source or "" for entry in written))
    others = [entry.name for entry in entries if entry not in written]
    others += [*re.findall(r"^def (\w+)", _read_runtime() + LOADER, re.MULTILINE), "CONVERSATIONAL"]
    is_plain = len(sources) == 1 and not any(
        entry.function != entry.name or entry.shaping for entry in written
    )
    is_plain = is_plain and not re.search(rf"\b({'|'.join(others)})\b", sources[0])
    named = [] if is_plain else sources
    return _ExportPlan(
        sources[0] if is_plain else "",
        {source: f"rft_source_{number}" for number, source in enumerate(named, 1)},
        {entry.name: f"_raw_{entry.name}" if entry.shaping else entry.name for entry in entries},
    )


def _write_entry(entry: RewardEntry, plan: _ExportPlan) -> Iterator[str]:
    """The entry's function; where its score is gated or bounded, the raw one before it."""
    name = plan.raw[entry.name]
    info = GRADERS.get(entry.grader)
    about = _one_line(info.help if info else f"The function {entry.function}, as it was written.")
    if info and info.function:
        yield _BUILT_IN.format(
            name=name, help=about, module=alias_of(info.function.__module__),
            function=info.function.__name__, options=dict(entry.options),
        )  # fmt: skip
    elif entry.grader == FORMULA.name:
        expression = str(entry.options["expression"])
        names = sorted(formula_names(expression))
        yield _write_combined(name, _as_python(expression), names, plan)
    elif info and info.jailed:
        yield _JAILED.format(
            name=name, help=about, module=alias_of(info.jailed.module),
            options=info.with_defaults(entry),
        )  # fmt: skip
    elif entry.source and entry.source in plan.modules:
        module = plan.modules[entry.source]
        yield _PASSED_ON.format(name=name, help=about, module=module, function=entry.function)
    if entry.shaping:
        names = [entry.name, *([entry.only_if] if entry.only_if else [])]
        yield _write_combined(entry.name, _shaping_expression(entry), names, plan)


def _write_combined(name: str, expression: str, names: Sequence[str], plan: _ExportPlan) -> str:
    functions = ", ".join(plan.raw[each] for each in names)
    return _COMBINED.format(
        name=name, help=_one_line(expression), names=", ".join(names), expression=expression,
        functions=f"{functions},",
    )  # fmt: skip


def _shaping_expression(entry: RewardEntry) -> str:
    """As `shaping.py` says: the gate first, then the bounds."""
    expression = entry.name
    if entry.only_if:
        expression = f"({expression} if {entry.only_if} >= 1 else min({expression}, 0.0))"
    if entry.clip_low is not None:
        expression = f"max({expression}, {entry.clip_low!r})"
    if entry.clip_high is not None:
        expression = f"min({expression}, {entry.clip_high!r})"
    return expression


def _write_modules(entries: Sequence[RewardEntry], plan: _ExportPlan) -> str:
    """The texts behind the functions, and the few lines that make modules of them."""
    infos = [info for entry in entries if (info := GRADERS.get(entry.grader))]
    names = [info.function.__module__ for info in infos if info.function]
    texts = collect_modules([*names, *(info.jailed.module for info in infos if info.jailed)])
    texts |= {name: source for source, name in plan.modules.items()}
    if not texts:
        return ""
    listed = "".join(f"    {name!r}: {as_literal(text)},\n" for name, text in texts.items())
    return f"\n{LOADER}\n\n_load({{\n{listed}}})\n"


def _read_runtime() -> str:
    text = Path(__file__).with_name("trl_runtime.py").read_text(encoding="utf-8")
    return text.partition('"""\n')[2].strip() + "\n"


def _as_python(expression: str) -> str:
    tree = read_formula(expression)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            is_math = FUNCTIONS[node.func.id].__module__ == "math"
            node.func.id = f"_math.{node.func.id}" if is_math else node.func.id
    return ast.unparse(tree)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")
