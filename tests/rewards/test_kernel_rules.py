"""Every cheat that a syntax tree can show is found and named; no honest kernel is."""

import pytest

from rft_core.rewards.kernel_rules import find_violations
from rft_core.rewards.triton_source import read_completion
from tests.rewards.kernel_case_files import list_cases

CHEATS, HONEST = list_cases("cheats"), list_cases("honest")


def find(case):
    source = read_completion(case.completion)
    assert not source.problem, source.problem
    return find_violations(source, case.row)


@pytest.mark.parametrize("case", CHEATS, ids=lambda case: case.name)
def test_a_cheat_is_found_where_the_tree_shows_it(case):
    flags = {finding.flag for finding in find(case)}
    assert set(case.flags) <= flags if case.flags else not flags, [str(f) for f in find(case)]


@pytest.mark.parametrize("case", HONEST, ids=lambda case: case.name)
def test_an_honest_twin_is_left_alone(case):
    assert [f"{finding.flag}: {finding}" for finding in find(case)] == []
