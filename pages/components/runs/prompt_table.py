"""Which prompts a run has learned, and which it forgot: a row each, with its pass rate."""

import pandas as pd
import streamlit as st

from pages.components.completions.view import prompt_request
from pages.components.rewards.pinned_source import get_pinned_rewards
from pages.components.shared_reads import shared_reads
from pages.components.untrusted_text import spell_unseen
from rft_core.paths import get_runs_dir
from rft_core.rewards.deciding import find_deciding
from rft_core.store.generations import StoredPrompt, get_prompts
from rft_core.store.run_reader import has_database, open_run
from rft_core.store.runs import RunRow
from rft_core.store.summaries.prompt_progress import PromptProgress, list_prompt_progress

OUTCOMES = ("learned", "forgotten", "in between", "never solved", "always solved")
LONGEST_SHOWN = 120

Progress = tuple[list[PromptProgress], int, dict[int, StoredPrompt]]


def show_prompt_table(run: RunRow, revision: str) -> None:
    found, total, prompts = read_progress(run, revision)
    if not found:
        st.caption("Nothing yet that tells right from wrong, for any prompt.")
        return
    counts = {name: sum(one.outcome == name for one in found) for name in OUTCOMES}
    said = " · ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    among = f" of {total:,}" if len(found) < total else ""
    st.caption(
        f"{len(found):,}{among} prompts: {said}. Learned and forgotten: half of the completions "
        "more, or fewer, are right than at the first visit."
    )
    order = {name: place for place, name in enumerate(OUTCOMES)}
    found = sorted(found, key=lambda one: (order[one.outcome], one.visits[0].rate))
    frame = pd.DataFrame(
        {
            "outcome": [one.outcome for one in found],
            "prompt": [spell_unseen(_ask(prompts[one.prompt_id])) for one in found],
            "pass rate": [[visit.rate for visit in one.visits] for one in found],
            "first": [one.visits[0].rate for one in found],
            "last": [one.visits[-1].rate for one in found],
            "visits": [one.times for one in found],
            "read": [_address(run, one) for one in found],
        }
    )
    column = st.column_config
    share = column.NumberColumn(format="percent", width=70)
    st.dataframe(
        frame, hide_index=True, height=420, alt="Pass rate of each prompt over the run",
        column_config={
            "outcome": column.TextColumn(width=110),
            "prompt": column.TextColumn(width="large"),
            "pass rate": column.LineChartColumn(y_min=0, y_max=1, width=130),
            "first": share, "last": share,
            "visits": column.NumberColumn(width=60),
            "read": column.LinkColumn(display_text="generations", width=100),
        },
    )  # fmt: skip


def read_progress(run: RunRow, revision: str) -> Progress:
    def read(known: Progress | None) -> Progress:
        truth = _list_truth(run)
        if not truth or not has_database(get_runs_dir(), run.id):
            return [], 0, {}
        with open_run(get_runs_dir(), run.id) as db:
            found, total = list_prompt_progress(db, truth)
            return found, total, get_prompts(db, {one.prompt_id for one in found})

    key = ("prompt-progress", get_runs_dir(), run.id, run.created_at)
    return shared_reads().get(key, revision, read)


def _list_truth(run: RunRow) -> list[str]:
    """What decides in the reward set that the run has pinned; nothing where that is not here."""
    pinned = get_pinned_rewards(run)
    return [entry.name for entry in find_deciding(pinned[1])] if pinned else []


def _ask(prompt: StoredPrompt) -> str:
    text = " ".join(prompt_request(prompt).split())
    return text if len(text) <= LONGEST_SHOWN else f"…{text[-LONGEST_SHOWN:]}"


def _address(run: RunRow, one: PromptProgress) -> str:
    return f"generations?run={run.id}&prompt={one.prompt_id}&view=Same+prompt+across+steps"
