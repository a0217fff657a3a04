"""Rewards: choose graders or write Python, prove them on completions, keep them as versions."""

from dataclasses import dataclass

import streamlit as st

from pages.components.config_form import draft_values, set_draft
from pages.components.dry_run.form import (
    DryRunRequest,
    PromptChoice,
    dry_run_form,
    get_samples,
    has_samples,
    sample_anew,
    wanted_prompts,
    was_wanted_anew,
)
from pages.components.dry_run.report import show_dry_run
from pages.components.page_header import page_header, show_error
from pages.components.rewards.code_editor import Marker
from pages.components.rewards.draft import RewardDraft, get_reward_draft
from pages.components.rewards.entries import EditedRewards, edit_rewards
from pages.components.rewards.kept_draft import keep_draft
from pages.components.rewards.probes import probe_section
from pages.components.rewards.sandbox_notice import sandbox_banner
from pages.components.rewards.start import choose_start
from pages.components.rewards.versions import save_version, show_versions
from pages.components.runs.rescoring import past_run_popover
from pages.components.suited_settings import suited_settings
from pages.components.workflow import section
from rft_core.dry_run import DryRun, score_groups
from rft_core.errors import RftError
from rft_core.jobs.row_problems import find_row_problems
from rft_core.paths import get_runs_dir
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.scorer import check_reward_set
from rft_core.store.sets import StoredSet

RESULT = "dry_run_result"
TRIED = ("model", "num_generations", "temperature", "max_completion_length")  # training takes them


@dataclass(frozen=True)
class Shown:
    """The last dry run, and what it was of: to mark the source, and to say when it is outdated."""

    draft_id: str
    rewards: RewardSet
    inputs: object
    prompts: PromptChoice
    result: DryRun


def main() -> None:
    page_header("Rewards", "Say what is good, and prove it on real completions before you train.")
    sandbox_banner()
    section(1, "Reward functions", "Several add up by weight. Built-in graders, Python, or both.")
    choose_start(wanted_prompts().task)
    draft = get_reward_draft()
    assert draft is not None
    edited = edit_rewards(draft, lambda text: markers_in(draft, text))
    keep_draft()
    rewards = check(edited, draft.name)
    section(2, "Dry run", "Everything the first training step would compute, without training.")
    request = dry_run_form()
    wanted = run_buttons(request, rewards) or edited.run_requested
    with st.container():  # whatever is waited for in it, the sections below keep their place
        if wanted and rewards is not None:
            run(draft, rewards, request)
        show_result(rewards, request)
    section(3, "Probes", "Completions that deserve nothing: what pays is what training may find.")
    probe_section(rewards, request)
    section(4, "Save", "Runs name the version that they use.")
    stored = save_version(draft, rewards)
    past_run_popover(stored.id if stored else None)
    show_versions(rewards, stored)
    section(5, "Train", "The Train page opens with these rewards and these prompts.")
    train_link(stored, request)


def check(edited: EditedRewards, name: str) -> RewardSet | None:
    """The rewards as they stand, or None and what is wrong with them."""
    if edited.entries is None:
        return None  # the mistake is shown beside the editor
    if not edited.entries:
        st.info("There is no reward yet: add a grader, or write one in Python.")
        return None
    rewards = RewardSet(edited.entries, name, edited.truth)
    try:
        check_reward_set(rewards)
    except RftError as error:
        show_error(error)
        return None
    return rewards


def run_buttons(request: DryRunRequest, rewards: RewardSet | None) -> bool:
    ready = rewards is not None and request.pasted != ()
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Run the dry run", type="primary", icon=":material/play_arrow:", disabled=not ready,
            key="dry_run_go",
        )  # fmt: skip
        if request.pasted is None and has_samples(request):
            st.button(
                "Sample again", icon=":material/casino:", on_click=sample_anew, key="dry_run_again",
                disabled=not ready, help="Other completions of the same prompts.",
            )  # fmt: skip
            st.caption("Runs on the completions already sampled.")
    return clicked or was_wanted_anew()


def run(draft: RewardDraft, rewards: RewardSet, request: DryRunRequest) -> None:
    """Sample where needed, score, keep the result. Ends with a rerun, which marks the source."""
    try:
        samples = get_samples(request)
        with st.spinner("Scoring …", show_time=True):
            result = score_groups(
                samples.config, rewards, samples.rows, samples.prompts, samples.groups,
                sampling_seconds=samples.seconds, prompt_tail=samples.prompt_tail,
            ).with_warnings(
                find_row_problems(
                    get_runs_dir(), rewards, request.prompts.task, request.prompts.set_id
                )
            )  # fmt: skip
    except RftError as error:
        show_error(error)
        return
    st.session_state[RESULT] = Shown(draft.id, rewards, request.inputs, request.prompts, result)
    st.rerun()


def show_result(rewards: RewardSet | None, request: DryRunRequest) -> None:
    shown: Shown | None = st.session_state.get(RESULT)
    if shown is None:
        return
    if rewards is None or rewards.id != shown.rewards.id:
        st.info("The rewards have changed since this dry run.", icon=":material/update:")
    elif request.inputs != shown.inputs:
        st.info("The settings have changed since this dry run.", icon=":material/update:")
    show_dry_run(shown.result, shown.rewards, shown.prompts)


def markers_in(draft: RewardDraft, text: str) -> list[Marker]:
    """Where functions failed in the last dry run of this draft, as far as those lines still are."""
    shown: Shown | None = st.session_state.get(RESULT)
    if shown is None or shown.draft_id != draft.id:
        return []
    sources = {entry.name: entry.source or "" for entry in shown.rewards.entries}
    return [
        Marker(report.error_line, report.error)
        for report in shown.result.scoring.reports
        if report.error
        and report.error_line
        and _line(sources[report.name], report.error_line) == _line(text, report.error_line)
    ]


def _line(text: str, number: int) -> str:
    return "".join(text.splitlines()[number - 1 : number])


def train_link(stored: StoredSet | None, request: DryRunRequest) -> None:
    clicked = st.button(
        "Next: train with these rewards", icon=":material/arrow_forward:",
        type="primary" if stored else "secondary", disabled=stored is None, key="rewards_train",
        help=None if stored else "Save the rewards first.",
    )  # fmt: skip
    if clicked and stored:
        task, draft = request.prompts.task, draft_values()
        chosen = {"task": task, "prompt_set": request.prompts.set_id, "reward_set": stored.id}
        tried = {name: getattr(request.config, name) for name in TRIED}
        set_draft({
            **draft, **suited_settings(task, draft["model"]), **chosen,
            **(tried if request.pasted is None else {}),
        })  # fmt: skip
        st.switch_page("train.py")


main()
