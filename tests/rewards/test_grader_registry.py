"""The registry is what forms, the command line and stored sets rely on."""

import inspect

import pytest

from rft_core.rewards.graders import GRADERS


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


def test_a_grader_runs_in_exactly_one_way(info):
    ways = (info.function, info.make_entry, info.open, info.combine)
    assert sum(way is not None for way in ways) == 1
