"""How a score counts survives the form, and can be changed there."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.rewards.draft import start_from_rewards
from pages.components.rewards.versions import reward_diff
from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.registry import GRADERS
from rft_core.tasks import get_task


def _form() -> None:
    import streamlit as st

    from pages.components.rewards.draft import get_reward_draft, start_from_rewards
    from pages.components.rewards.entries import edit_rewards
    from rft_core.rewards.contract import RewardSet
    from rft_core.tasks import get_task

    if get_reward_draft() is None:
        start_from_rewards(get_task("json_output").reward_set)
    draft = get_reward_draft()
    assert draft is not None
    edited = edit_rewards(draft, lambda text: [])
    st.code(RewardSet(edited.entries or (), "json output").to_json())


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RFT_PLAIN_EDITOR", "1")


SOURCE = (
    "def f(completions, **_):\n    return [1.0 for _ in completions]\n\n\n"
    "def helper(completions):\n    return []\n"
)


def _any_form(rewards: str) -> None:
    import streamlit as st

    from pages.components.rewards.draft import get_reward_draft, start_from_rewards
    from pages.components.rewards.entries import edit_rewards
    from rft_core.rewards.contract import RewardSet

    if get_reward_draft() is None:
        start_from_rewards(RewardSet.from_json(rewards))
    draft = get_reward_draft()
    assert draft is not None
    edited = edit_rewards(draft, lambda text: [])
    st.code(RewardSet(edited.entries or (), draft.name).to_json())


def shown(app: AppTest) -> RewardSet:
    assert not app.exception, app.exception
    return RewardSet.from_json(app.code[0].value)


def test_a_tasks_gate_survives_the_form() -> None:
    app = AppTest.from_function(_form, default_timeout=60).run()
    assert shown(app).id == get_task("json_output").reward_set.id


def test_gates_bounds_and_ranks_are_set_in_the_form() -> None:
    app = AppTest.from_function(_form, default_timeout=60).run()
    [first, second] = [box for box in app.selectbox if box.label.startswith("2 · It counts only")]
    assert (first.value, second.value) == ("", "format")
    assert second.options == ["always", "format"]
    second.set_value("")
    [box for box in app.selectbox if box.label.startswith("4 · Within")][1].set_value("rank")
    [box for box in app.number_input if box.label.startswith("1 · Where")][1].set_value(0.0)
    entry = shown(app.run()).entries[1]
    assert entry.shaping == {"in_group": "rank", "when_flagged": 0.0}


def test_the_form_takes_no_number_that_the_check_would_refuse() -> None:
    graders = ("length", "similarity", "numeric_match", "unit_tests", "repetition")
    bounded = RewardSet(tuple(RewardEntry(grader, grader) for grader in graders))
    app = AppTest.from_function(_any_form, default_timeout=60, args=(bounded.to_json(),)).run()
    assert shown(app).id == bounded.id
    boxes = {box.label: (box.min, box.max) for box in app.number_input}
    for grader in graders:
        for option in GRADERS[grader].options:
            if option.type in ("int", "float"):
                assert boxes[option.name.replace("_", " ")] == (option.minimum, option.maximum)
    assert boxes["target"] == (0, None) and boxes["threshold"] == (0, 1)


def test_a_stored_set_out_of_bounds_is_refused_in_words() -> None:
    stored = RewardSet((RewardEntry("mine", "length", options={"target": -5}),))
    with pytest.raises(BadInputError, match="'target' of 'length' must be 0 or more"):
        start_from_rewards(stored)


def test_a_set_keeps_its_order_its_sources_and_how_each_function_counts() -> None:
    mixed = RewardSet(
        (
            RewardEntry("size", "python", 0.5, {"function": "f"}, SOURCE, clip_high=2.0),
            RewardEntry("format", "format"),
            RewardEntry("g", "python", 0.0, {}, "def g(completions):\n    return []\n"),
            RewardEntry("right", "equation", only_if="size", in_group="rank"),
        ),
        "mixed",
    )
    app = AppTest.from_function(_any_form, args=(mixed.to_json(),), default_timeout=60).run()
    assert shown(app) == mixed
    [helper] = [box for box in app.number_input if box.label == "helper"]
    assert helper.value is None  # it stands in the source, and is no reward
    helper.set_value(1.0)
    assert shown(app.run()).names == ("size", "helper", "format", "g", "right")


def test_a_function_in_python_can_be_gated_too() -> None:
    two = RewardSet((RewardEntry("format", "format"), RewardEntry("f", "python", 1.0, {}, SOURCE)))
    app = AppTest.from_function(_any_form, args=(two.to_json(),), default_timeout=60).run()
    gates = [box for box in app.selectbox if box.label.startswith("2 · It counts only")]
    assert gates[1].options == ["always", "format"]
    gates[1].set_value("format")
    assert shown(app.run()).entries[1].only_if == "format"


def test_a_diff_tells_how_a_score_counts() -> None:
    old = RewardSet((RewardEntry("f", "format"),))
    new = RewardSet((RewardEntry("f", "format", clip_low=0.5, when_flagged=0.0),))
    assert "+# f: format, weight 1, 0 where flagged · at least 0.5" in reward_diff(old, new)
