"""Generations: every completion ever sampled, its group, its prompt through time, and why."""

import streamlit as st

from pages.components.completions.completion_html import (
    completion_card,
    completion_grid,
    diff_html,
    download_links,
    score_text,
)
from pages.components.completions.download_route import Offer
from pages.components.completions.filters import clear_filters, generation_filters
from pages.components.completions.listing import (
    ListPage,
    newest_id,
    read_page,
    show_list,
    show_moves,
    show_newest,
    top_id,
)
from pages.components.completions.token_view import show_tokens
from pages.components.completions.view import (
    generation_style,
    in_reward_order,
    show_completion,
    show_prompt,
)
from pages.components.completions.word_diff import diff_words, similarity
from pages.components.keeping_columns import keep_columns
from pages.components.page_header import page_header, plain, shown_errors
from pages.components.rewards.pinned_source import reward_weights
from pages.components.runs.picker import pick_run
from pages.components.runs.pulse import redraw_on_change
from rft_core.paths import get_runs_dir
from rft_core.store.columns.matching import Counted
from rft_core.store.generations import (
    StoredGeneration,
    StoredPrompt,
    count_within,
    get_group,
    get_prompts,
    list_generations,
    list_prompt_history,
    with_evidence,
)
from rft_core.store.index import open_index
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import RunRow
from rft_core.store.search import GenerationFilter
from rft_core.store.state.status import get_run_status

LIST_HEIGHT = 720
OFFER = "generations_offer"
LOOK_FOR_NEW_SECONDS = 2.0
VIEWS = ["The group", "Same prompt across steps", "Word diff", "Exact prompt", "Tokens"]


def main() -> None:
    title, picker = st.columns([3, 2], vertical_alignment="bottom")
    with title:
        page_header("Generations", "Every completion ever sampled: what it earned, and why.")
    with picker:
        run = pick_run(on_change=forget_place)
    generation_style()
    if not has_database(get_runs_dir(), run.id):
        no_generations(run)
    keep_columns(run.id)
    with open_run(get_runs_dir(), run.id) as db:
        total = count_within(db).number
    if not total:
        no_generations(run)
    functions = list(reward_weights(run))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        where = generation_filters(run.id, functions)
        download_menu(run.id, where, functions)
    with open_run(get_runs_dir(), run.id) as db:
        matching = count_within(db, where)
        if not matching.number and not matching.is_exact and list_generations(db, where, limit=1):
            matching = Counted(1, is_exact=False)
    if not matching.number:
        st.info(f"None of the {total:,} generations matches these filters.")
        st.button("Clear all filters", on_click=clear_filters, icon=":material/filter_list_off:")
        st.stop()
    with shown_errors(), open_index(get_runs_dir()) as index:
        active = get_run_status(index, get_runs_dir(), run.id).is_active
    if active:
        st.fragment(newcomers, key="newcomers")(run, where)
        redraw_on_change("newcomers", every=LOOK_FOR_NEW_SECONDS, run=run.id)
    st.fragment(reader)(run, where, functions, matching, total)


def forget_place() -> None:
    """Filters and the selected generation belong to the run they were made for."""
    clear_filters()
    show_newest()


def no_generations(run: RunRow) -> None:
    """The empty state, with the one thing to do next. Ends the page."""
    why = "yet: they appear with its first validation, as soon as the model is loaded."
    if not run.config.leaves_policy:
        why = "and will have none: a reward model judges answers, and writes none itself."
    st.info(f"'{plain(run.name or run.id)}' has no generations {why}")
    st.page_link(
        "monitor.py", label="Watch it on Monitor", icon=":material/monitoring:",
        query_params={"run": run.id},
    )  # fmt: skip
    st.stop()


def download_menu(run_id: str, where: GenerationFilter, functions: list[str]) -> None:
    """What the filters let through, as a file that is written while it is taken."""
    offer: Offer | None = st.session_state.get(OFFER)
    content = (get_runs_dir(), run_id, where, tuple(functions))
    if offer is None or offer.content != content:
        offer = st.session_state[OFFER] = Offer(*content)
    with st.popover("Download", icon=":material/download:"):
        st.caption(
            "All generations that the filters let through. In CSV, text that a spreadsheet would "
            "take for a formula begins with a '; JSON Lines has the exact text."
        )
        st.html(download_links({"CSV": offer.get_url("csv"), "JSON Lines": offer.get_url("jsonl")}))


@shown_errors()
def newcomers(run: RunRow, where: GenerationFilter) -> None:
    """A live run brings new generations; the list waits for the reader to ask for them."""
    top = top_id()
    if top is None or newest_id(run.id, where) <= top:
        st.caption(":material/sensors: Live: new generations will be announced here.")
    elif st.button("New generations have arrived: show them", icon=":material/fiber_new:",
                   type="tertiary"):  # fmt: skip
        show_newest()
        st.rerun(scope="app")


@shown_errors()
def reader(
    run: RunRow, where: GenerationFilter, functions: list[str], matching: Counted, total: int
) -> None:
    """The list beside the selected generation, and below it what surrounds that generation."""
    page = read_page(run.id, where)
    if page is None:  # a resumed run has just forgotten them
        st.rerun(scope="app")
    grid = st.grid(3, min_column_width=280, gap="medium")  # one above the other when narrow
    with grid.cell():
        counted = f"{total:,}"
        if not matching.is_exact:
            counted = f"At least {matching.number:,} of {counted}"
        elif matching.number < total:
            counted = f"{matching.number:,} of {counted}"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"{counted}, newest first", width="stretch")
            st.button(
                "Newest", type="tertiary", icon=":material/vertical_align_top:",
                on_click=show_newest, disabled=page.newer is None,
            )  # fmt: skip
        show_list(page, LIST_HEIGHT)
    [generation] = in_reward_order([page.generation], functions)
    with open_run(get_runs_dir(), run.id) as db:
        generation = with_evidence(db, generation)
        prompt = get_prompts(db, {generation.prompt_id})[generation.prompt_id]
    with grid.cell(column_span=2):
        show_reading(run, page, generation, prompt)
        show_surroundings(run, generation, prompt, functions)


def show_reading(
    run: RunRow, page: ListPage, generation: StoredGeneration, prompt: StoredPrompt
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**Step {generation.step}** · {generation.split} · prompt {generation.prompt_id} · "
            f"completion {generation.sample_index + 1}",
            width="stretch",
        )
        show_moves(page)
    show_prompt(prompt, short=True)
    show_completion(generation, reasons=True)
    st.page_link(
        "monitor.py", label="Why this score: the rewards this run is pinned to",
        icon=":material/rule:",
        query_params={"run": run.id, "details": "What is being rewarded"},
    )  # fmt: skip


def show_surroundings(
    run: RunRow, generation: StoredGeneration, prompt: StoredPrompt, functions: list[str]
) -> None:
    """Only the open tab is read and drawn."""
    tabs = st.tabs(VIEWS, on_change="rerun", key="view", bind="query-params")
    with open_run(get_runs_dir(), run.id) as db:
        group = get_group(
            db, split=generation.split, step=generation.step, group_index=generation.group_index
        )
        history = list_prompt_history(db, generation.prompt_id) if tabs[1].open else []
    group = in_reward_order(group, functions)
    if tabs[0].open:
        with tabs[0]:
            show_group(group, generation)
    if tabs[1].open:
        with tabs[1]:
            show_history(in_reward_order(history, functions))
    if tabs[2].open:
        with tabs[2]:
            show_diff(group, generation)
    if tabs[3].open:
        with tabs[3]:
            st.caption("The string that was tokenised, chat template included.")
            st.code(prompt.text, language=None, wrap_lines=True)
            st.caption("The prompt's row")
            st.json(prompt.row, expanded=1)
    if tabs[4].open:
        with tabs[4]:
            show_tokens(run, generation, prompt)


def show_group(group: list[StoredGeneration], chosen: StoredGeneration) -> None:
    """All completions of one prompt at one step: the advantage says which were encouraged."""
    if len(group) == 1:
        st.caption("Validation samples this prompt once per step: there is no group to compare.")
    else:
        rewards = [g.reward for g in group if g.reward is not None]
        mean = sum(rewards) / len(rewards) if rewards else 0.0
        st.caption(
            f"{len(group)} completions, mean reward {mean:.2f}. The bar is the advantage: green "
            "completions were made more likely by this step, red ones less."
        )
    cards = (
        completion_card(g, title=f"#{g.sample_index + 1}", chosen=g.id == chosen.id) for g in group
    )
    st.html(completion_grid(cards))


def show_history(history: list[StoredGeneration]) -> None:
    """One prompt through the run: any step, or the first beside the last."""
    steps = sorted({g.step for g in history})
    if len(steps) < 2:
        st.caption(
            f"This prompt was sampled at step {steps[0]} only. Validation prompts come back at "
            "every validation: filter by split to find them."
        )
        return
    how = st.segmented_control(
        "Show", ["First and last", "Step by step"], default="First and last", required=True,
        key="history", bind="query-params", label_visibility="collapsed",
    )  # fmt: skip
    if how == "First and last":
        st.caption(f"Sampled at {len(steps)} steps; the best completion of the first and the last.")
        first, last = best_of(history, steps[0]), best_of(history, steps[-1])
        cards = [completion_card(g, title=f"Step {g.step}", unfolded=True) for g in (first, last)]
        st.html(completion_grid(cards))
        return
    step = st.select_slider("Step", steps, value=steps[-1], key="history_step")
    shown = [g for g in history if g.step == step]
    st.html(completion_grid(completion_card(g, title=f"#{g.sample_index + 1}") for g in shown))


def best_of(generations: list[StoredGeneration], step: int) -> StoredGeneration:
    found = [g for g in generations if g.step == step]
    return max(found, key=lambda g: g.reward if g.reward is not None else float("-inf"))


def show_diff(group: list[StoredGeneration], chosen: StoredGeneration) -> None:
    """Two completions of the group, word by word: at first the chosen one and its opposite."""
    if len(group) < 2:
        st.caption("There is no other completion of this prompt at this step to compare with.")
        return
    others = [g for g in group if g.id != chosen.id]
    opposite = max(others, key=lambda g: abs((g.reward or 0.0) - (chosen.reward or 0.0)))
    ids = {g.id: g for g in group}

    def pick(label: str, default: StoredGeneration) -> str:
        place = list(ids).index(default.id)
        return ids[st.selectbox(label, list(ids), index=place, format_func=name)].completion

    def name(id: int) -> str:
        return f"#{ids[id].sample_index + 1} · reward {score_text(ids[id].reward)}"

    left, right = st.columns(2)
    with left:
        before = pick("From", chosen)
    with right:
        after = pick("To", opposite)
    st.caption(f"{similarity(before, after):.0%} of the words are shared.")
    st.html(diff_html(diff_words(before, after)))


main()
