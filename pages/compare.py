"""Compare: the curves of runs over each other, what differs in them, what got worse and better."""

import streamlit as st

from pages.components.charts.overlay_figure import group_color
from pages.components.completions.view import generation_style
from pages.components.config_form import set_draft
from pages.components.durations import duration_text
from pages.components.evaluation.changed import DIRECTIONS, show_examples
from pages.components.evaluation.choose import CHOSEN
from pages.components.evaluation.differences import show_settings, show_sources
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.runs.badge import state_badge
from pages.components.runs.overlay import choose_view, show_overlay
from pages.components.runs.pulse import redraw_on_change
from pages.components.runs.pulse_route import get_revision
from pages.components.shared_reads import shared_reads
from pages.components.untrusted_text import safe_html
from pages.components.workflow import section
from rft_core.evaluation.comparison.run_comparison import (
    ComparedPair,
    RowOutcome,
    RunComparison,
    compare_runs,
)
from rft_core.evaluation.report import verdict_text
from rft_core.paths import get_runs_dir
from rft_core.store.index import open_index
from rft_core.store.runs import RunRow, list_runs
from rft_core.store.state.status import RunStatus, get_run_status

KEY, IN_ADDRESS = "compared_runs", "runs"
MOST_RUNS = 24
WORST_FIRST = ("to wrong", "to right", "still wrong")
REFRESH_SECONDS = 2.0


def main() -> None:
    page_header("Compare", "What differs between runs, what got worse, and what got better.")
    chosen = choose_runs()
    generation_style()
    with shown_errors():
        found = read_comparison(tuple(run.id for run in chosen))
        statuses = read_statuses(chosen)
    labels = {run.id: run.label for run in found.runs}
    group_labels = [label_group(group, labels) for group in found.groups]
    show_runs(found, group_labels, statuses)
    section(
        1, "Curves", "Seeds of the same settings are one line: their mean, in the band they span."
    )
    view = choose_view()
    st.fragment(show_overlay, key="overlay")(found.groups, group_labels, view)
    section(
        2,
        "What differs",
        "Only what is not the same. The first run is what others are held against.",
    )
    show_settings(found.settings, [labels[run.id] for run in found.runs])
    pair = choose_pair(found, labels)
    show_sources(pair)
    section(
        3,
        "What got worse, what got better",
        "Rows that both have answered, known by what they hold.",
    )
    show_rows(pair, labels)
    offer_evaluation(found)
    if any(status.is_active for status in statuses.values()):
        redraw_on_change("overlay", every=REFRESH_SECONDS)


def choose_runs() -> list[RunRow]:
    """At least two of the runs, as the address has them; else the page ends with what to do."""
    with shown_errors(), open_index(get_runs_dir()) as index:
        runs = {run.id: run for run in list_runs(index)}
    asked = [id for id in st.query_params.get(IN_ADDRESS, "").split(",") if id]
    gone = [id for id in asked if id not in runs]
    if gone:
        st.warning(f"Not here any more: {plain(', '.join(gone))}")
    st.session_state[KEY] = [id for id in dict.fromkeys(asked) if id in runs][:MOST_RUNS]
    st.multiselect(
        "Runs, the one to hold against first", list(runs), key=KEY, max_selections=MOST_RUNS,
        format_func=lambda id: runs[id].label, on_change=remember,
        placeholder="Choose two runs or more",
    )  # fmt: skip
    chosen = [runs[id] for id in st.session_state[KEY]]
    if len(chosen) < 2:
        st.info(
            "Choose two runs or more, here or in the table on Overview."
            if len(runs) > 1
            else "There are not two runs yet. Start another one, with something changed."
        )
        st.page_link("overview.py", label="Go to Overview", icon=":material/home:")
        st.stop()
    return chosen


def remember() -> None:
    st.query_params[IN_ADDRESS] = ",".join(st.session_state[KEY])


def read_comparison(ids: tuple[str, ...]) -> RunComparison:
    """Once for all who look, and again when something has changed."""
    folder = get_runs_dir()
    return shared_reads().get(
        ("comparison", folder, ids), get_revision(), lambda known: compare_runs(folder, ids)
    )


def read_statuses(runs: list[RunRow]) -> dict[str, RunStatus]:
    folder = get_runs_dir()
    with open_index(folder) as index:
        return {run.id: get_run_status(index, folder, run.id) for run in runs}


def label_group(group: tuple[RunRow, ...], labels: dict[str, str]) -> str:
    if len(group) == 1:
        return labels[group[0].id]
    seeds = ", ".join(str(run.config.seed) for run in group)
    return f"{group[0].name or group[0].config.task}  ·  seeds {seeds}"


def show_runs(
    found: RunComparison, group_labels: list[str], statuses: dict[str, RunStatus]
) -> None:
    """The legend of all charts: a card for each group, with its runs and what to do with them."""
    grid = st.grid(3, min_column_width=280, gap="small")
    for place, (label, group) in enumerate(zip(group_labels, found.groups, strict=True)):
        with grid.cell(), st.container(border=True, gap="xsmall"):
            st.html(
                f'<div style="border-top:4px solid {group_color(place)};border-radius:2px;'
                f'padding-top:.45rem;font-weight:650">{safe_html(label)}</div>'
            )
            for run in group:
                show_run(run, statuses[run.id], is_first=run.id == found.runs[0].id)


def show_run(run: RunRow, status: RunStatus, *, is_first: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        state_badge(status.state)
        config = run.config
        seed = f" · seed {config.seed}"
        first = " · the first" if is_first else ""
        st.caption(
            f"{' → '.join(config.method_titles)} · step {status.step:,} of {status.max_steps:,}"
            f"{seed} · {duration_text(status.duration) if status.duration else 'not begun'}{first}",
            width="content",
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if st.button(
            "Clone into Train", key=f"clone-{run.id}", icon=":material/content_copy:",
            type="tertiary", help="Its settings, prompts and rewards, to be changed and launched.",
            on_click=clone, args=(run,),
        ):  # fmt: skip
            st.switch_page("train.py")
        st.page_link(
            "monitor.py", label="Monitor", icon=":material/monitoring:",
            query_params={"run": run.id},
        )  # fmt: skip


def clone(run: RunRow) -> None:
    """A callback: the form of Train can be filled only before it is drawn."""
    values = run.config.model_dump(mode="json")
    set_draft(values | {"name": f"{run.name} (clone)" if run.name else ""})


def choose_pair(found: RunComparison, labels: dict[str, str]) -> ComparedPair:
    """Of more than two runs, which one is held against the first."""
    if len(found.pairs) == 1:
        return found.pairs[0]
    pairs = {pair.second.id: pair for pair in found.pairs}
    against = st.selectbox(
        f"Held against {labels[found.runs[0].id]}", list(pairs), format_func=labels.__getitem__,
        key="against",
    )  # fmt: skip
    return pairs[against]


def show_rows(pair: ComparedPair, labels: dict[str, str]) -> None:
    if pair.outcome is None:
        st.info(f"{pair.why_not} What they wrote cannot be held against each other yet.")
        return
    show_verdict(pair, pair.outcome, labels)
    counts = {name: len(pair.outcome.list_turned(name)) for name in WORST_FIRST}
    named = DIRECTIONS | {"still wrong": "still wrong in both"}
    direction = st.segmented_control(
        "Rows", list(WORST_FIRST), required=True, label_visibility="collapsed",
        default=next((name for name in WORST_FIRST if counts[name]), WORST_FIRST[0]),
        key=f"direction-{pair.first.id}-{pair.second.id}",
        format_func=lambda name: f"{counts[name]} {named[name]}",
    )  # fmt: skip
    changes = [change for change in pair.outcome.changes if change.direction == direction]
    if not changes:
        st.caption(f"No row {named[direction]}.")
        return
    first, second = labels[pair.first.id], labels[pair.second.id]
    show_examples(changes, first, second, f"rows-{pair.first.id}-{pair.second.id}-{direction}")


def show_verdict(pair: ComparedPair, outcome: RowOutcome, labels: dict[str, str]) -> None:
    found = outcome.difference
    names = (f"**{plain(labels[pair.second.id])}**", plain(labels[pair.first.id]))
    text = verdict_text(*names, found)
    if not found.is_significant:
        st.info(text, icon=":material/help:")
    elif found.difference > 0:
        st.success(text, icon=":material/trending_up:")
    else:
        st.warning(text, icon=":material/trending_down:")
    st.caption(plain(outcome.joined.about))


def offer_evaluation(found: RunComparison) -> None:
    """Where a pair shares no evaluation: the page that makes one, with these runs chosen."""
    if not found.evaluate:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        ids = [run.id for run in found.runs]
        if st.button(
            "Evaluate them on held-out rows", icon=":material/leaderboard:",
            on_click=lambda: st.session_state.pop(CHOSEN, None),
        ):  # fmt: skip
            st.switch_page("evaluate.py", query_params={"run": ids})
        st.caption(f"The same from the command line: `{found.evaluate}`", width="stretch")


main()
