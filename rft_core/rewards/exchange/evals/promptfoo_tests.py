"""The tests of a Promptfoo configuration, each with its variables and assertions, defaults merged.

`defaultTest` gives variables, options and assertions to every test. A variable with a list stands
for one test per value, as there. Assertions may refer to `#/assertionTemplates/...`; an
`assert-set` is written out, its weight shared among its members.
Source: https://www.promptfoo.dev/docs/configuration/reference/
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rft_core.rewards.exchange.evals.imported_eval import EvalFindings
from rft_core.rewards.exchange.evals.nunjucks import has_fields
from rft_core.types import Row

MOST_TESTS = 200_000
TEST_KEYS = ("vars", "assert", "options", "threshold", "description", "metadata", "weight")
OPTION_KEYS = ("provider", "rubricPrompt", "prefix", "suffix", "disableVarExpansion",
               "disableDefaultAsserts")  # fmt: skip
NO_PROGRAM = "it is a program of Promptfoo's. Remove it, or write it as a python assertion"
ONE_FILE = "files beside this one are not read. Write what it holds into this file"


@dataclass(frozen=True)
class PlacedAssertion:
    """An assertion as the file has it, and its path. `share`: of the weight that it has itself."""

    path: str
    spec: Mapping[str, Any]
    share: float = 1.0


@dataclass(frozen=True)
class PromptfooTest:
    """One case: its variables, its options with their paths, and what is asserted of the answer."""

    path: str
    row: Row
    options: Mapping[str, Any]
    option_paths: Mapping[str, str]
    assertions: tuple[PlacedAssertion, ...]


def list_tests(
    config: Mapping[str, Any], listed: Sequence[Any], path: str, findings: EvalFindings
) -> Iterator[PromptfooTest]:
    """Every test of `listed`; those that cannot come along are named."""
    default = config.get("defaultTest")
    if default is not None and not isinstance(default, Mapping):
        findings.leave("defaultTest", ONE_FILE)
    default = default if isinstance(default, Mapping) else {}
    _find_strange_keys(default, "defaultTest", findings)
    for number, test in enumerate(listed):
        where = f"{path}[{number}]"
        if not isinstance(test, Mapping):
            advice = ONE_FILE if isinstance(test, str) else "it is no test"
            findings.leave(where, advice)
            continue
        _find_strange_keys(test, where, findings)
        yield from _expand(config, default, test, where, findings)


def _expand(
    config: Mapping[str, Any], default: Mapping[str, Any], test: Mapping[str, Any], path: str,
    findings: EvalFindings,
) -> Iterator[PromptfooTest]:  # fmt: skip
    options = {**_mapping(default.get("options")), **_mapping(test.get("options"))}
    own = _mapping(test.get("options"))
    places = {name: f"{path if name in own else 'defaultTest'}.options.{name}" for name in options}
    assertions = list(_list_assertions(config, test.get("assert"), f"{path}.assert", findings))
    if not options.get("disableDefaultAsserts"):
        of_all = _list_assertions(config, default.get("assert"), "defaultTest.assert", findings)
        assertions = [*of_all, *assertions]
    variables = _read_variables(default, test, path, findings)
    if variables is None:
        return
    lists = {} if options.get("disableVarExpansion") else {
        name: value for name, value in variables.items() if isinstance(value, list) and value
    }  # fmt: skip
    if math.prod(map(len, lists.values())) > MOST_TESTS:
        findings.leave(f"{path}.vars", f"its lists make more than {MOST_TESTS:,} tests")
        return
    for values in itertools.product(*lists.values()):
        row = {**variables, **dict(zip(lists, values, strict=True))}
        yield PromptfooTest(path, row, options, places, tuple(assertions))


def _read_variables(
    default: Mapping[str, Any], test: Mapping[str, Any], path: str, findings: EvalFindings
) -> dict[str, Any] | None:
    for value, where in ((default.get("vars"), "defaultTest"), (test.get("vars"), path)):
        if value is not None and not isinstance(value, Mapping):
            findings.leave(f"{where}.vars", ONE_FILE)
            return None
    variables = {**_mapping(default.get("vars")), **_mapping(test.get("vars"))}
    for name, value in variables.items():
        where = f"{path if name in _mapping(test.get('vars')) else 'defaultTest'}.vars.{name}"
        texts = value if isinstance(value, list) else [value]
        for text in (one for one in texts if isinstance(one, str)):
            if text.startswith(("file://", "package:")):
                findings.leave(where, ONE_FILE)
                return None
            if has_fields(text):
                findings.leave(where, "a variable that is a template. Write its text out")
                return None
    return variables


def _list_assertions(
    config: Mapping[str, Any], value: Any, path: str, findings: EvalFindings, share: float = 1.0
) -> Iterator[PlacedAssertion]:
    if value is not None and not isinstance(value, list):
        findings.leave(path, ONE_FILE if isinstance(value, str) else "it is no list of assertions")
        return
    for number, written in enumerate(value or []):
        where, spec = f"{path}[{number}]", _resolve(config, written)
        if not isinstance(spec, Mapping) or not isinstance(spec.get("type"), str):
            findings.leave(where, "it is no assertion with a type")
        elif spec["type"] == "assert-set":
            yield from _list_members(config, spec, where, findings, share)
        else:
            yield PlacedAssertion(where, spec, share)


def _list_members(
    config: Mapping[str, Any],
    spec: Mapping[str, Any],
    path: str,
    findings: EvalFindings,
    share: float,
) -> Iterator[PlacedAssertion]:
    """The mean of a set's members is its score: each has its part of the set's weight."""
    members = list(_list_assertions(config, spec.get("assert"), f"{path}.assert", findings))
    total = sum(read_weight(member) for member in members)
    weight = spec.get("weight", 1)
    own = float(weight) if is_number(weight) else 1.0
    for member in members:
        part = share * own / total if total else 0.0
        named = {"metric": spec["metric"]} if spec.get("metric") else {}
        yield PlacedAssertion(member.path, {**named, **member.spec}, member.share * part)


def read_weight(assertion: PlacedAssertion) -> float:
    weight = assertion.spec.get("weight", 1)
    return (float(weight) if is_number(weight) else 1.0) * assertion.share


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _resolve(config: Mapping[str, Any], spec: Any) -> Any:
    """The assertion that `$ref: '#/assertionTemplates/name'` means, with what is added to it."""
    reference = spec.get("$ref") if isinstance(spec, Mapping) else None
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return spec
    target: Any = config
    for step in reference[2:].split("/"):
        target = target.get(step) if isinstance(target, Mapping) else None
    added = {key: value for key, value in spec.items() if key != "$ref"}
    return {**target, **added} if isinstance(target, Mapping) else spec


def _find_strange_keys(test: Mapping[str, Any], path: str, findings: EvalFindings) -> None:
    for key in test:
        if key == "assertScoringFunction":
            findings.leave(f"{path}.{key}", NO_PROGRAM)
        elif key not in TEST_KEYS:
            findings.leave(f"{path}.{key}", "it is not known here. Remove it")
    for key in _mapping(test.get("options")):
        if key not in OPTION_KEYS:
            is_program = "transform" in key.lower() or key == "postprocess"
            advice = NO_PROGRAM if is_program else "it is not known here. Remove it"
            findings.leave(f"{path}.options.{key}", advice)
    if test.get("threshold") is not None:
        findings.remark(
            "'threshold' of tests was left out: the reward is the score itself, not whether it "
            "passes."
        )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
