"""The Probes section of the Rewards page: a button, a verdict, and the table of what pays."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from pages.components.dry_run.form import DryRunRequest, get_samples, has_samples
from pages.components.page_header import plain, show_error
from pages.components.rewards.probe_html import probes_html
from pages.components.rewards.shortest_lie import lie_button, search_and_keep, show_lie
from rft_core.diagnosis.probes.report import ProbeReport, ProbeResult
from rft_core.diagnosis.probes.reward_probes import probe_rewards
from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.errors import RftError
from rft_core.rewards.contract import RewardSet
from rft_core.rewards.scorer import Scorer
from rft_core.tasks import TASKS
from rft_core.tasks.probe_cases import MOST_CASES, make_cases

RESULT = "probe_result"
MOST_SAMPLES = 8  # of the model's own completions for each prompt, to compare with
_STYLE = Path(__file__).resolve().parents[1] / "frontend" / "probes.css"


@dataclass(frozen=True)
class Probed:
    """The last probes, and what they were of: to say when they are outdated."""

    rewards_id: str
    inputs: object
    rows: tuple[Any, ...]
    report: ProbeReport


def probe_section(rewards: RewardSet | None, request: DryRunRequest) -> None:
    """Takes the prompts of the dry run, and the model's completions where there are some."""
    with st.container(horizontal=True, vertical_alignment="center"):
        clicked = st.button(
            "Run the probes", icon=":material/bug_report:", disabled=rewards is None,
            key="probes_go",
        )  # fmt: skip
        wants_lie = lie_button(rewards)
        st.caption(f"On the first {MOST_CASES} prompts of the dry run, about 100 completions each.")
    if clicked and rewards is not None:
        try:
            with st.spinner("Attacking the rewards …", show_time=True):
                st.session_state[RESULT] = run_probes(rewards, request)
        except RftError as error:
            show_error(error)
            return
    if wants_lie and rewards is not None:
        search_and_keep(rewards, request, list_cases(request))
    show_lie(rewards, request)
    probed: Probed | None = st.session_state.get(RESULT)
    if probed is None:
        return
    if rewards is None or rewards.id != probed.rewards_id:
        st.info("The rewards have changed since these probes.", icon=":material/update:")
    elif request.inputs != probed.inputs:
        st.info("The settings have changed since these probes.", icon=":material/update:")
    show_report(probed)


def run_probes(rewards: RewardSet, request: DryRunRequest) -> Probed:
    cases = list_cases(request)
    with Scorer(rewards) as scorer:
        report = probe_rewards(scorer, cases)
    return Probed(rewards.id, request.inputs, tuple(case.row for case in cases), report)


def list_cases(request: DryRunRequest) -> list[ProbeCase]:
    """The prompts of the dry run; with what the model wrote, if it has been sampled already."""
    task = TASKS.get(request.prompts.task)
    if request.pasted is None and has_samples(request):
        samples = get_samples(request)
        texts = [[c.text for c in group[:MOST_SAMPLES]] for group in samples.groups]
        return make_cases(task, samples.rows, samples.prompts, texts)
    if request.pasted is not None:
        rows, prompts = request.prompts.load(request.row + 1)
        return make_cases(task, rows[request.row :], prompts[request.row :])
    rows, prompts = request.prompts.load(min(request.num_prompts, MOST_CASES))
    return make_cases(task, rows, prompts)


def show_report(probed: Probed) -> None:
    report = probed.report
    st.html(_STYLE)
    show_verdict(report)
    for failure in report.failures:
        st.warning(plain(failure.error or ""), icon=":material/warning:")
    telling = [result for result in report.results if result.verdict != "held"]
    held = [result for result in report.results if result.verdict == "held"]
    if telling:
        st.html(probes_html(telling, probed.rows))
    if held:
        with st.expander(f"{len(held)} probes that earn no more than they are owed"):
            st.html(probes_html(held, probed.rows))


def show_verdict(report: ProbeReport) -> None:
    """Red, green, or grey where nothing could be scored; what the references earn."""
    earned = {
        "the gold completion earns": report.gold_reward,
        "a wrong answer in the right form": report.wrong_reward,
        "nothing at all": report.empty_reward,
        "the model so far": report.model_reward,
    }
    known = [f"{name} {value:.3g}" for name, value in earned.items() if value is not None]
    text = f"For comparison: {', '.join(known)}." if known else ""
    if not report.gold_known:
        text += " No right answer was found, so half of full marks counts as paid."
    if report.paying:
        ways = ", ".join(_lowered(result) for result in report.paying[:3])
        more = len(report.paying) - 3
        ways += f" and {more} more" if more > 0 else ""
        st.error(
            plain(f"Training can find: {ways}. {text}"), title=report.summary,
            icon=":material/bug_report:",
        )  # fmt: skip
    elif not report.paying and known:
        st.success(plain(text), title=report.summary, icon=":material/verified_user:")
    else:
        st.warning(plain(text or "Every completion was left unscored."), title=report.summary)


def _lowered(result: ProbeResult) -> str:
    return result.title[:1].lower() + result.title[1:]
