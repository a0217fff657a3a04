"""Stop, Kill now, Resume and Delete: the buttons of a run, the same wherever it is shown.

What is asked carries a command id that stays the same until the run's state changes: a double click
is one command.
"""

from collections.abc import Callable

import streamlit as st

from pages.components.page_header import shown_errors
from rft_core.errors import RftError
from rft_core.jobs import delete, kill, new_command_id, resume, stop
from rft_core.paths import get_runs_dir
from rft_core.store.state.status import RunStatus

STOP_HELP = "Finishes the step, saves a checkpoint and ends. Resume continues from it."
KILL_HELP = "Ends it at once, without a checkpoint: for a run that does not stop by itself."


def stop_and_resume(status: RunStatus) -> None:
    """The buttons that this state allows."""
    run_id = status.run.id
    if status.is_stoppable:
        if _button("Stop", "stop", run_id, icon=":material/stop:", help=STOP_HELP):
            _ask(stop, "stop", run_id)
    else:
        forget_command_id("stop", run_id)
    if status.state == "stopping":
        if _button("Kill now", "kill", run_id, icon=":material/dangerous:", help=KILL_HELP):
            _ask(kill, "kill", run_id)
    else:
        forget_command_id("kill", run_id)
    if status.is_resumable:
        text = status.resume_text
        if _button("Resume", "resume", run_id, icon=":material/play_arrow:", help=text or None):
            if status.resume_loses_much:
                confirm_resume(status)
            else:
                _ask(resume, "resume", run_id)
    else:
        forget_command_id("resume", run_id)


@st.dialog("Resume this run?", icon=":material/play_arrow:")
@shown_errors()
def confirm_resume(status: RunStatus) -> None:
    """Before what is recorded is replaced."""
    st.write(status.resume_text)
    st.write(
        "Their metrics and generations are replaced as they are made again. To keep them as they "
        "are, leave this run alone and launch or fork another one."
    )
    if st.button(
        f"Resume from step {status.resume_step}", type="primary", key="confirm-resume",
        on_click=_resume_now, args=(status.run.id,),
    ):  # fmt: skip
        st.rerun()


def delete_button(run_id: str) -> None:
    if st.button("Delete", key=f"delete-{run_id}", icon=":material/delete:", type="tertiary"):
        confirm_delete(run_id)


@st.dialog("Delete this run?")
@shown_errors()
def confirm_delete(run_id: str) -> None:
    st.write(
        f"`{run_id}` with its metrics, generations, checkpoints and adapter will be gone for good."
    )
    if st.button("Delete it", type="primary", on_click=delete_now, args=(run_id,)):
        st.rerun()


def delete_now(run_id: str) -> None:
    """A callback: it has to be done before the list is drawn again."""
    try:
        delete(get_runs_dir(), run_id)
    except RftError as error:  # it became active, or is gone already
        st.toast(str(error), icon=":material/error:")


def get_command_id(kind: str, run_id: str) -> str:
    """The same for every click until it is forgotten."""
    return str(st.session_state.setdefault(f"command:{kind}:{run_id}", new_command_id()))


def forget_command_id(kind: str, run_id: str) -> None:
    st.session_state.pop(f"command:{kind}:{run_id}", None)


def _button(label: str, kind: str, run_id: str, *, icon: str, help: str | None) -> bool:
    return st.button(label, key=f"{kind}-{run_id}", icon=icon, help=help)


def _resume_now(run_id: str) -> None:
    """A callback: it has to be done before the state is drawn again."""
    try:
        resume(get_runs_dir(), run_id, command_id=get_command_id("resume", run_id))
    except RftError as error:  # it was resumed elsewhere meanwhile
        st.toast(str(error), icon=":material/error:")


def _ask(what: Callable[..., None], kind: str, run_id: str) -> None:
    with shown_errors():
        what(get_runs_dir(), run_id, command_id=get_command_id(kind, run_id))
    st.rerun()
