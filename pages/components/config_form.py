"""The settings form, drawn from `RunConfig`: a field declared there appears here by itself.

Widgets keep their values for the session, so a draft survives a visit to another page. What comes
back is checked by `make_config`, never trusted because a widget had bounds.
"""

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import streamlit as st
from pydantic.fields import FieldInfo

from pages.components.suited_settings import suited_settings
from rft_core.config import (
    METHODS,
    RunConfig,
    Stage,
    extra_of,
    get_method,
    uses,
    without_unread,
    write_setting,
    write_stages,
)
from rft_core.tasks import TASKS

KEY = "config."


def set_draft(values: Mapping[str, Any]) -> None:
    """Put values (a preset, another run's settings) into the form; the rest goes to defaults.

    Call it from a callback: a widget's state can only be set before the widget is drawn.
    """
    defaults = RunConfig().model_dump()
    for name, value in {**defaults, **values}.items():
        st.session_state[KEY + name] = _to_widget(RunConfig.model_fields[name], value)


def draft_values() -> dict[str, Any]:
    """What the form holds, as values for `make_config`; fields not yet drawn have defaults.

    What was set for another method than the one chosen stays in the form and out of the values. Of
    a run in stages, the steps and the last method follow from the stages.
    """
    held = {
        name: st.session_state.get(KEY + name, _to_widget(field, field.default))
        for name, field in RunConfig.model_fields.items()
    }
    if held["stages"]:
        follows = ("method", "max_steps", "num_train_epochs")
        held = {name: value for name, value in held.items() if name not in follows}
    return without_unread(held)


def follow_task() -> None:
    """A callback: another task brings the embedded model that knows it.

    Rewards that were chosen by their name in the task before have that name there alone.
    """
    draft = draft_values()
    names = {name for task in TASKS.values() for name in task.other_rewards}
    known = TASKS[draft["task"]].other_rewards if draft["task"] in TASKS else {}
    if draft["reward_set"] in names - set(known):
        st.session_state[KEY + "reward_set"] = ""
    for name, value in suited_settings(draft["task"], draft["model"]).items():
        st.session_state[KEY + name] = _to_widget(RunConfig.model_fields[name], value)


def follow_method() -> None:
    """A callback: what nobody chose becomes what suits the method that was chosen.

    In stages it becomes the default, in whose place each stage takes what suits its own method.
    """
    is_staged = bool(st.session_state.get(KEY + "stages"))
    suited = {} if is_staged else METHODS[st.session_state[KEY + "method"]].suited
    for name in {name for method in METHODS.values() for name in method.suited}:
        field = RunConfig.model_fields[name]
        unchosen = [field.default, *(m.suited.get(name, field.default) for m in METHODS.values())]
        held = st.session_state.get(KEY + name, _to_widget(field, field.default))
        if held in [_to_widget(field, value) for value in unchosen]:
            st.session_state[KEY + name] = _to_widget(field, suited.get(name, field.default))


def group_fields(
    group: str, methods: Sequence[str], *, skip: tuple[str, ...] = (), columns: int = 3
) -> None:
    """Draw one group's fields that any of the methods reads; the advanced ones are folded away."""
    fields = [
        (name, field)
        for name, field in RunConfig.model_fields.items()
        if extra_of(name)["group"] == group
        and name not in skip
        and any(uses(get_method(method), name) for method in methods)
    ]
    _draw([item for item in fields if not extra_of(item[0])["advanced"]], columns)
    advanced = [item for item in fields if extra_of(item[0])["advanced"]]
    if advanced:
        with st.expander(f"More {group.lower()} settings"):
            _draw(advanced, columns)


def _draw(fields: list[tuple[str, FieldInfo]], columns: int) -> None:
    for start in range(0, len(fields), columns):
        row = st.columns(columns)
        for place, (name, field) in zip(row, fields[start : start + columns], strict=False):
            with place:
                _widget(name, field)


def _widget(name: str, field: FieldInfo) -> None:
    key = KEY + name
    st.session_state.setdefault(key, _to_widget(field, field.default))
    shared: dict[str, Any] = {"key": key, "help": field.description, "persist_state": "session"}
    kind = _kind(field)
    if get_origin(kind) is Literal:
        st.selectbox(name, get_args(kind), **shared)
    elif kind is bool:
        st.toggle(name, **shared)
    elif kind is int:
        low, high = _bounds(field)
        st.number_input(
            name, int(low) if low is not None else None, int(high) if high is not None else None,
            step=1, **shared,
        )  # fmt: skip
    else:  # floats too: a text field shows 3e-4 as people write it
        st.text_input(name, **shared)


def field_bounds(name: str) -> tuple[Any, Any]:
    """The least and the largest value that the setting may have; None where it is not bounded."""
    return _bounds(RunConfig.model_fields[name])


def _kind(field: FieldInfo) -> Any:
    """The field's type without `| None`."""
    if get_origin(field.annotation) in (Union, types.UnionType):
        return next(a for a in get_args(field.annotation) if a is not type(None))
    return field.annotation


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in field.metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
        if getattr(rule, "lt", None) is not None:
            high = rule.lt - 1
    return low, high


def _to_widget(field: FieldInfo, value: Any) -> Any:
    kind = _kind(field)
    if kind in (bool, int) or get_origin(kind) is Literal:
        return value
    if isinstance(value, tuple | list) and any(not isinstance(part, str) for part in value):
        return write_stages(tuple(Stage.model_validate(stage) for stage in value))
    return write_setting(value)
