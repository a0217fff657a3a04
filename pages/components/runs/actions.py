"""Stop, Kill now, Resume, Delete and Report: a run's buttons, the same wherever it is shown.

What is asked carries a command id that stays the same until the run's state changes: a double click
is one command.
"""

from collections.abc import Callable

import streamlit as st

from pages.components.page_header import shown_errors
from rft_core.errors import RftError
from rft_core.jobs.launcher import delete, kill, new_command_id, resume, stop
from rft_core.jobs.reporting import make_report
from rft_core.paths import get_runs_dir
from rft_core.store.run_reader import has_database
from rft_core.store.runs import RunRow
from rft_core.store.state.status import RunStatus

STOP_HELP = "Finishes the step, saves a checkpoint and ends. Resume continues from it."
KILL_HELP = "Ends it at once, without a checkpoint: for a run that does not stop by itself."


def stop_and_resume(status: RunStatus) -> None:
    """The buttons that this state allows."""
    run_id = status.run.id
    if status.is_stoppable:
        _command("Stop", stop, run_id, icon=":material/stop:", help=STOP_HELP)
    else:
        forget_command_id("stop", run_id)
    if status.state == "stopping":
        _command("Kill now", kill, run_id, icon=":material/dangerous:", help=KILL_HELP)
    else:
        forget_command_id("kill", run_id)
    if status.is_resumable:
        _resume_button(status)
    else:
        forget_command_id("resume", run_id)


def _resume_button(status: RunStatus) -> None:
    run_id, icon, help = status.run.id, ":material/play_arrow:", status.resume_text or None
    if not status.resume_loses_much:
        _command("Resume", resume, run_id, icon=icon, help=help)
    elif st.button("Resume", key=f"resume-{run_id}", icon=icon, help=help):
        confirm_resume(status)


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
        on_click=_ask, args=(resume, status.run.id),
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


def _command(
    label: str, what: Callable[..., None], run_id: str, *, icon: str, help: str | None
) -> None:
    st.button(
        label, key=f"{what.__name__}-{run_id}", icon=icon, help=help,
        on_click=_ask, args=(what, run_id),
    )  # fmt: skip


def _ask(what: Callable[..., None], run_id: str) -> None:
    """A callback: it has to be done before the state is drawn again."""
    try:
        what(get_runs_dir(), run_id, command_id=get_command_id(what.__name__, run_id))
    except RftError as error:  # it was asked for elsewhere meanwhile
        st.toast(str(error), icon=":material/error:")


def report_button(run: RunRow) -> None:
    """One HTML file, made when it is asked for."""
    folder = get_runs_dir()
    st.download_button(
        "Report", lambda: make_report(folder, run.id).encode(), f"{run.id}.html", "text/html",
        icon=":material/summarize:", on_click="ignore", width="stretch",
        disabled=not has_database(folder, run.id),
        help="Curves, findings, best and worst generations, rewards and settings in one file that "
        f"opens anywhere. From the command line: python -m rft_core report {run.id} --to FILE.html",
    )  # fmt: skip
