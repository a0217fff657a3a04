"""The registry is what forms, the command line and stored sets rely on."""

import inspect
import math

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry
from rft_core.rewards.registry import GRADERS, check_entry


@pytest.fixture(params=GRADERS.values(), ids=GRADERS.keys())
def info(request):
    return request.param


def test_a_grader_is_known_by_its_own_name_and_explains_itself(info):
    assert GRADERS[info.name] is info
    assert info.help.endswith(".") and len(info.help) < 120
    assert all(option.help.endswith(".") for option in info.options)


def test_an_option_left_out_means_its_default(info):
    """A form leaves out what is at its default, so the function's own defaults must be the same."""
    if info.function is None:
        return
    parameters = inspect.signature(info.function).parameters
    own = {n: p.default for n, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    own.pop("num_tokens", None)
    assert own == {option.name: option.default for option in info.options}


def test_a_default_is_among_the_choices(info):
    for option in info.options:
        assert not option.choices or option.default in option.choices


def test_a_default_is_within_its_bounds(info):
    assert not [option.name for option in info.options if option.find_problem(option.default)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_number_that_is_not_finite_is_refused(info, value):
    for option in info.options:
        if option.type == "float":
            assert option.find_problem(value) == "must be a finite number"


@pytest.mark.parametrize(
    ("grader", "options", "why"),
    [("length", {"target": -5}, "'target' of 'length' must be 0 or more"),
     ("length", {"maximum": -1}, "must be 0 or more"),
     ("length", {"minimum": 10, "maximum": 5}, "minimum of 'mine' is above its maximum"),
     ("numeric_match", {"tolerance": math.inf}, "must be a finite number"),
     ("numeric_match", {"tolerance": -1.0}, "must be 0 or more"),
     ("numeric_match", {"relative_tolerance": -0.1}, "must be 0 or more"),
     ("similarity", {"threshold": 1.5}, "must be 1 or less"),
     ("overlap", {"threshold": -1.0}, "must be 0 or more"),
     ("repetition", {"n": 0}, "must be 1 or more"), ("ranked", {"top": 0}, "must be 1 or more"),
     ("repetition", {"allowed": 1.1}, "must be 1 or less"),
     ("unit_tests", {"seconds": 0.0}, "must be 0.01 or more"),
     ("stdout_tests", {"seconds": -1}, "must be 0.01 or more"),
     ("unit_tests", {"random_cases": -1}, "must be 0 or more"),
     ("unit_tests", {"random_cases": True}, "must be int"),
     ("triton_correctness", {"seconds": 0}, "must be 0.01 or more"),
     ("overlap", {"measure": "rouge_9"}, "must be one of rouge_1, ")],
)  # fmt: skip
def test_an_option_out_of_its_bounds_is_refused(grader, options, why):
    with pytest.raises(BadInputError, match=why):
        check_entry(RewardEntry("mine", grader, options=options))


def test_bounds_themselves_are_within():
    check_entry(RewardEntry("mine", "length", options={"minimum": 5, "maximum": 5}))
    check_entry(RewardEntry("mine", "length", options={"minimum": 5, "maximum": 0}))
    check_entry(RewardEntry("mine", "similarity", options={"threshold": 1}))
    check_entry(RewardEntry("mine", "unit_tests", options={"random_cases": 0, "seconds": 0.01}))


def test_a_grader_runs_in_exactly_one_way(info):
    ways = (info.function, info.jailed, info.open, info.combine)
    assert sum(way is not None for way in ways) == 1
