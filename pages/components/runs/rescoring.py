"""What other rewards would have given on a run: choose them, watch the scoring, read what changes.

The scoring is a process of its own, so that it outlives the page; which result is shown stands in
the address as `?rescore=`. The curves themselves are drawn with the run's, by `curves.py`.
"""

import streamlit as st

from pages.components.page_header import plain, show_error, shown_errors
from pages.components.rewards.versions import version_label, version_title
from rft_core.errors import RftError
from rft_core.jobs.rescoring import cancel_rescore, start_rescore
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.store.generations import count_generations
from rft_core.store.index import open_index
from rft_core.store.rescores import Rescore, Tally, get_rescore, get_tally, open_rescores
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import RunRow, list_runs
from rft_core.store.sets import get_set, list_sets

ADDRESS, POPOVER = "rescore", "rescore_popover"
WHAT = (
    "Scores everything that this run has sampled with other rewards and draws the curve they would "
    "have given. Nothing is sampled or trained."
)
PAST = (
    "Scores everything that a run has sampled with these rewards. Monitor then shows the curve "
    "they would have given, and how many completions change sides. Nothing is trained."
)
ASKS_A_JUDGE = "These rewards ask a judge: once for every completion of the run."


def choose_rescore(run: RunRow) -> None:
    """The popover: a stored version, and the button that scores the run with it."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        stored = {row["id"]: row for row in list_sets(index, "rewards")}
    if not stored:
        return
    with st.popover("Re-score", icon=":material/restore_page:", key=POPOVER, on_change="rerun"):
        st.caption(WHAT)
        wanted = st.query_params.get(ADDRESS)
        others = [id for id in stored if id != run.config.reward_set]
        first = wanted if wanted in stored else next(iter(others or stored))
        id = st.selectbox(
            "Rewards", list(stored), index=list(stored).index(first), key="rescore_version",
            format_func=lambda id: version_label(stored[id])
            + (" · this run's own" if id == run.config.reward_set else ""),
        )  # fmt: skip
        if _asks_a_judge(str(id)):
            st.caption(f":material/gavel: {ASKS_A_JUDGE}")
        with st.container(horizontal=True, vertical_alignment="center"):
            go = st.button(
                "Re-score", type="primary", key="rescore_go", icon=":material/replay:",
                on_click=_close_popover,
            )  # fmt: skip
            st.page_link(
                "rewards.py", label="Look at these rewards", icon=":material/rule:",
                query_params={"rewards": str(id)},
            )  # fmt: skip
    if go:
        begin_rescore(run.id, str(id))


def _close_popover() -> None:
    st.session_state[POPOVER] = False


def past_run_popover(reward_set: str | None) -> None:
    """On the Rewards page: what a stored version would have given, and the way to its curve."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        runs = {run.id: run for run in list_runs(index)}
    if not runs:
        return
    with st.popover(
        "What would this have given on a past run?", icon=":material/restore_page:",
        disabled=reward_set is None, help=None if reward_set else "Save the rewards first.",
    ):  # fmt: skip
        st.caption(PAST)
        run = st.selectbox(
            "Run", list(runs), key="rescore_run", format_func=lambda id: runs[id].label
        )
        if st.button("Re-score", type="primary", key="rescore_go", icon=":material/replay:"):
            try:
                with st.spinner("Starting …"):
                    start_rescore(get_runs_dir(), str(run), str(reward_set))
            except RftError as error:
                show_error(error)  # and the rest of the page stays
                return
            st.switch_page("monitor.py", query_params={"run": run, ADDRESS: str(reward_set)})


def begin_rescore(run_id: str, reward_set: str) -> None:
    """Start the process, or let it go on; the page then shows it."""
    with shown_errors(), st.spinner("Starting …"):
        start_rescore(get_runs_dir(), run_id, reward_set)
    st.query_params[ADDRESS] = reward_set
    st.rerun()


def is_rescoring(run_id: str) -> bool:
    """Whether what the page shows is still being scored."""
    found = _shown(run_id)
    return found is not None and found.is_running


def show_rescore(run: RunRow) -> Rescore | None:
    """How far the chosen scoring is and what it found; None where nothing was chosen or begun."""
    wanted = st.query_params.get(ADDRESS)
    if not wanted:
        return None
    with open_index(get_runs_dir()) as index:
        row = next((row for row in list_sets(index, "rewards") if row["id"] == wanted), None)
    if row is None:
        st.warning(f"There is no reward set {plain(wanted)} in this runs folder.")
        return None
    rescore = _shown(run.id)
    with st.container(border=True, key="rescore", gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f":violet-badge[:material/replay: re-scored] with **{plain(version_title(row))}**, "
                "dashed in the charts",
                width="stretch",
            )
            _actions(run.id, str(wanted), rescore)
        if rescore is not None:
            _progress(rescore)
            if rescore.done:
                with open_rescores(get_runs_dir(), run.id) as db:
                    _show_tally(get_tally(db, rescore.reward_set))
        else:
            st.caption(f"Not scored yet. {WHAT}")
    return rescore


def _actions(run_id: str, reward_set: str, rescore: Rescore | None) -> None:
    """Begin, go on or cancel; and take the curve off the page."""
    if rescore and rescore.is_running:
        st.button(
            "Cancel", key="rescore_cancel", icon=":material/stop:", on_click=cancel_rescore,
            args=(get_runs_dir(), run_id, reward_set), help="What is scored so far is kept.",
        )  # fmt: skip
    elif (label := _next_step(run_id, rescore)) and st.button(
        label, key="rescore_more", icon=":material/replay:"
    ):
        begin_rescore(run_id, reward_set)
    if st.button("Hide", key="rescore_hide", icon=":material/close:", type="tertiary"):
        del st.query_params[ADDRESS]
        st.rerun()


def _next_step(run_id: str, rescore: Rescore | None) -> str:
    """What the button says; "" where everything is scored."""
    if rescore is None:
        return "Re-score"
    if rescore.state == "failed":
        return "Try again"
    if rescore.done < rescore.total or rescore.state == "interrupted":
        return "Go on"
    with open_run(get_runs_dir(), run_id) as db:
        new = count_generations(db) - rescore.done
    return f"Score {new:,} new completions" if new > 0 else ""


def _progress(rescore: Rescore) -> None:
    share = rescore.done / rescore.total if rescore.total else 0.0
    text = f"{rescore.done:,} of {rescore.total:,} completions"
    if rescore.is_running:
        st.progress(min(share, 1.0), text=text if rescore.total else "Looking for completions")
    elif rescore.state == "failed":
        st.error(plain(rescore.message), icon=":material/error:")
    elif rescore.state == "interrupted":
        st.warning(f"The scoring ended without a word after {text}.", icon=":material/bolt:")
    elif rescore.state == "stopped":
        st.caption(f"Cancelled after {text}.")
    elif rescore.message:
        st.warning(plain(rescore.message), icon=":material/warning:")


def _show_tally(tally: Tally) -> None:
    """What would have been different, in words."""
    st.markdown(" ".join(describe(tally)))


def describe(tally: Tally) -> list[str]:
    """Sentences: who changes sides, which groups would have taught, what could not be scored."""
    parts = []
    changed = tally.encouraged + tally.discouraged
    if tally.compared:
        parts.append(
            f"**{changed:,} of {tally.compared:,} training completions change sides** "
            f"({changed / tally.compared:.1%}): {tally.encouraged:,} that were discouraged would "
            f"have been encouraged, {tally.discouraged:,} the other way round."
        )
        parts.append(
            f"Of {tally.groups:,} groups, {tally.woken:,} that taught nothing would have taught "
            f"something, and {tally.silenced:,} that taught would have taught nothing."
        )
    if tally.unscored:
        parts.append(f"{tally.unscored / tally.generations:.1%} could not be scored.")
    if tally.flagged:
        parts.append(f"{tally.flagged / tally.generations:.1%} are flagged.")
    return parts


def _shown(run_id: str) -> Rescore | None:
    wanted = st.query_params.get(ADDRESS)
    if not wanted or not has_database(get_runs_dir(), run_id):
        return None
    return get_rescore(get_runs_dir(), run_id, wanted)


def _asks_a_judge(id: str) -> bool:
    with open_index(get_runs_dir()) as index:
        rewards = RewardSet.from_json(get_set(index, "rewards", id).content)
    return any(entry.grader == "judge" for entry in rewards.entries)
