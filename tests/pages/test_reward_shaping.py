"""How a score counts survives the form, and can be changed there."""

from streamlit.testing.v1 import AppTest

from rft_core.rewards.contract import RewardSet
from rft_core.tasks import get_task


def _form() -> None:
    import streamlit as st

    from pages.components.reward_draft import get_reward_draft, start_from_rewards
    from pages.components.reward_entries import assemble, edit_graders
    from rft_core.tasks import get_task

    if get_reward_draft() is None:
        start_from_rewards(get_task("json_output").reward_set)
    draft = get_reward_draft()
    assert draft is not None
    st.code(assemble(edit_graders(draft), None, "json output").to_json())


def shown(app: AppTest) -> RewardSet:
    assert not app.exception, app.exception
    return RewardSet.from_json(app.code[0].value)


def test_a_tasks_gate_survives_the_form() -> None:
    app = AppTest.from_function(_form, default_timeout=60).run()
    assert shown(app).id == get_task("json_output").reward_set.id


def test_gates_bounds_and_ranks_are_set_in_the_form() -> None:
    app = AppTest.from_function(_form, default_timeout=60).run()
    [first, second] = [box for box in app.text_input if box.label == "Only if full"]
    assert (first.value, second.value) == ("", "schema")
    second.set_value("")
    [box for box in app.selectbox if box.label == "Within its group"][1].set_value("rank")
    [box for box in app.number_input if box.label == "Where flagged"][1].set_value(0.0)
    entry = shown(app.run()).entries[1]
    assert entry.shaping == {"in_group": "rank", "when_flagged": 0.0}
