"""The line that says how a run is doing, and what can be done with it: stop, resume, fork."""

from datetime import datetime

import streamlit as st

from pages.components.durations import duration_text
from pages.components.page_header import plain, show_error, shown_errors
from pages.components.runs.actions import forget_command_id, get_command_id, stop_and_resume
from pages.components.runs.badge import state_badge
from rft_core.config import get_method, parse_assignments, uses
from rft_core.errors import RftError
from rft_core.jobs.launcher import fork
from rft_core.paths import get_runs_dir
from rft_core.store.run_reader import Checkpoint
from rft_core.store.runs import RunRow
from rft_core.store.state.status import RunStatus

HEARTBEAT_LATE_SECONDS = 60.0
LONG_STEP_SECONDS = 4.0
LONG_PART_SECONDS = 10.0
OFTEN_CHANGED = ("learning_rate", "beta", "max_steps")
PROGRESS_TITLES = {
    "loading": "Loading the model",
    "preflight": "Preflight",
    "sampling": "Sampling what to learn from",
    "training": "Training",
    "validating": "Answering the validation prompts",
    "saving": "Saving a checkpoint",
}


def run_header(status: RunStatus, checkpoints: list[Checkpoint], written_at: float | None) -> None:
    """State, progress and actions of one run. `written_at`: when the worker last wrote."""
    with st.container(border=True, key="run-header"):
        text, actions = st.columns([3, 2], vertical_alignment="center")
        with text, st.container(horizontal=True, vertical_alignment="center", gap="small"):
            state_badge(status.state)
            st.markdown(f"**Step {status.step:,}** of {status.max_steps:,}", width="content")
            st.caption(" · ".join(_facts(status, written_at)), width="content")
        with actions, st.container(horizontal=True, horizontal_alignment="right"):
            _actions(status, checkpoints)
        st.progress(min(status.step / max(status.max_steps, 1), 1.0))
        _long_part(status)
        if status.run.parent_run:
            st.caption(f"Forked from `{status.run.parent_run}` at step {status.run.parent_step}.")
    with st.container():  # whatever stands in it, the charts below keep their place
        _trouble(status)


def _long_part(status: RunStatus) -> None:
    """A bar of its own for what is long within a step: a short one would only flash."""
    share, left = status.share_done, status.part_left
    if not status.is_active or share is None or left is None or share >= 1:
        return
    if left / (1 - share) >= LONG_PART_SECONDS:
        title = PROGRESS_TITLES.get(status.phase, status.phase.capitalize())
        st.progress(share, text=f"{title}: {duration_text(left)} left")


def _facts(status: RunStatus, written_at: float | None) -> list[str]:
    facts = []
    if status.state == "queued":
        facts.append("waits for its turn")
    if status.is_active and (doing := _doing(status)):
        facts.append(doing)
    if status.eta is not None and status.share_done is None:
        facts.append(f"{duration_text(status.eta)} left")
    if status.step_seconds:
        facts.append(f"{status.step_seconds:.2f} s a step")
    if status.duration:
        facts.append(f"{duration_text(status.duration)} of training")
    if status.sandbox_tier:
        facts.append(f"code locked in, tier {status.sandbox_tier}")
    if written_at is not None:  # the time itself: it stays true while nothing is redrawn
        facts.append(f"updated {_time_text(written_at)}")
    return facts


def _doing(status: RunStatus) -> str:
    """What the worker does now. Of a step only where it takes long enough to be read."""
    detail = plain(status.detail[:1].upper() + status.detail[1:])
    if status.phase == "loading" and detail:
        return detail
    if status.phase == "training":
        is_long = status.step_seconds is None or status.step_seconds >= LONG_STEP_SECONDS
        return detail if is_long else ""
    phase = PROGRESS_TITLES.get(status.phase, status.phase.capitalize())
    return f"{phase}: {plain(status.detail)}" if status.detail else phase


def _time_text(at: float) -> str:
    """`14:03:22`, with the day where it is not today."""
    then = datetime.fromtimestamp(at)
    day = "" if then.date() == datetime.now().date() else f"{then:%Y-%m-%d} "
    return f"{day}{then:%H:%M:%S}"


def _trouble(status: RunStatus) -> None:
    """What happened to a run that ended badly or fell silent, and the way on."""
    if status.is_stuck:
        st.warning(
            f"{_explain_silence(status)} Look at the log below.", icon=":material/hourglass_top:"
        )
    elif status.not_responding:
        st.warning(plain(status.not_responding), icon=":material/hourglass_top:")
    if status.state == "stopping":
        st.caption(
            "The step in progress is finished and a checkpoint saved, which may take minutes on a "
            "slow machine. *Kill now* ends the run at once, without that checkpoint."
        )
    if status.state == "stopped" and status.message:
        st.caption(plain(status.message))
    if status.state == "finished" and status.message:
        st.warning(plain(status.message), icon=":material/rule:")
    if not status.is_in_trouble:
        return
    if status.state == "unreadable":
        st.error(plain(status.message), icon=":material/error:")
        return
    ending = {"failed": "Training failed", "crashed": "The worker crashed"}
    st.error(
        f"**{ending.get(status.state, 'The run needs you')}.** {plain(status.message)}  \n"
        f"Read the log below before you resume. {status.resume_text}",
        icon=":material/bolt:" if status.state == "crashed" else ":material/error:",
    )
    if status.state == "needs_attention" and _left_unscored(status):
        st.page_link(
            "generations.py", label="See the completions that could not be scored",
            icon=":material/search:", query_params={"run": status.run.id, "unscored": "true"},
        )  # fmt: skip


def _left_unscored(status: RunStatus) -> bool:
    """Whether its last step has completions without a score: a full disk leaves none."""
    return any(
        name.endswith("/unscored") and value > 0 for name, value in status.last_train.items()
    )


def _explain_silence(status: RunStatus) -> str:
    """Stuck in its work, or not even given the processor."""
    silence = f"There has been no progress for {duration_text(status.progress_age)}."
    if status.heartbeat_age is None or status.heartbeat_age < HEARTBEAT_LATE_SECONDS:
        return f"{silence} The worker's process lives: it computes or waits for something."
    return (
        f"{silence} The worker's process has not run for {duration_text(status.heartbeat_age)}: it "
        "is suspended, or the machine is out of memory."
    )


def _actions(status: RunStatus, checkpoints: list[Checkpoint]) -> None:
    run_id = status.run.id
    stop_and_resume(status)
    help = (
        "Start a new run from a checkpoint of this one, with other settings."
        if checkpoints
        else "Possible once the run has a checkpoint."
    )
    if st.button(
        "Fork", key="fork-run", icon=":material/fork_right:", help=help, disabled=not checkpoints
    ):
        forget_command_id("fork", run_id)
        fork_dialog(status.run, [checkpoint.step for checkpoint in checkpoints])


@st.dialog("Fork this run", icon=":material/fork_right:")
@shown_errors()
def fork_dialog(run: RunRow, steps: list[int]) -> None:
    """Choose a checkpoint and what should differ; the new run counts its steps from 0."""
    st.caption(
        "The new run begins with this run's adapter at the chosen step. Its prompts, rewards and "
        "settings are the same except for what you change here."
    )
    step = st.selectbox(
        "From checkpoint", steps, index=len(steps) - 1, format_func="step {}".format
    )
    values = ask_for_settings(run)
    name = st.text_input("Name", f"{run.name or run.id}, forked at {step}")
    more = st.text_area(
        "Other settings",
        placeholder="num_generations=16\ntemperature=0.9",
        help="One `name=value` a line; names as on the Train page.",
        height=90,
    )
    if not st.button("Start the fork", type="primary", icon=":material/play_arrow:"):
        return
    try:
        lines = [line.strip() for line in more.splitlines() if line.strip()]
        changes = parse_assignments([f"{key}={value}" for key, value in values.items()] + lines)
        command_id = get_command_id("fork", run.id)
        new_run = fork(
            get_runs_dir(), run.id, step=step, changes=changes | {"name": name},
            command_id=command_id,
        )  # fmt: skip
    except RftError as error:
        show_error(error)
        return
    st.query_params["run"] = new_run
    st.rerun()


def ask_for_settings(run: RunRow) -> dict[str, str]:
    """What is often changed, of those that the method of the run's last stage uses: only changes.

    A fork goes on with the settings of the last stage; what is left as it stands is not sent.
    """
    *_, last = run.config.plan_stages()
    method = get_method(last.config.method)
    names = [name for name in OFTEN_CHANGED if uses(method, name)]
    shown = {name: f"{getattr(last.config, name):.10g}" for name in names}
    asked = {
        name: place.text_input(name, shown[name])
        for name, place in zip(names, st.columns(len(names)), strict=True)
    }
    return {name: value for name, value in asked.items() if value.strip() != shown[name]}
