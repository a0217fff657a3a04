"""What a dry run found: the verdict, the groups with their advantages, every score and its reason.

Completions, reasons and printed text are untrusted: they are shown as text, never as Markdown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd
import streamlit as st

from pages.components.completions.completion_html import (
    completion_card,
    completion_grid,
    prompt_html,
)
from pages.components.completions.view import as_generation, generation_style
from pages.components.dry_run.form import PromptChoice
from pages.components.dry_run.preflight_verdict import show_verdict
from pages.components.dry_run.prompt_bands import show_prompt_bands
from pages.components.page_header import plain
from pages.components.untrusted_text import spell_unseen
from rft_core.diagnosis.preflight.report import FunctionSummary
from rft_core.dry_run import DryRun
from rft_core.rewards.contract import FunctionReport, RewardSet, head_columns
from rft_core.store.generations import StoredGeneration
from rft_core.types import Messages

OWN_COLUMNS = ("prompt", "#", "reward", "advantage", "cut off", "completion", "flags")


def show_dry_run(result: DryRun, rewards: RewardSet, prompts: PromptChoice) -> None:
    """`prompts`: where the rows came from, so that some can be kept."""
    generation_style()
    groups = as_groups(result)
    show_verdict(result.preflight, comparable=len(groups[0]) > 1)
    if len(groups) > 1 and any(sample.reward is not None for sample in result.scoring.samples):
        show_prompt_bands(result, prompts)
    names = ["Groups", "Every score", "Functions"]
    failed = any(report.error for report in result.scoring.reports)
    by_group, table, functions = st.tabs(names, default=names[2] if failed else names[0])
    with by_group:
        show_groups(groups, result.prompts)
    with table:
        show_table(groups, rewards.names, name_extras(result))
    with functions:
        for report, summary in zip(result.scoring.reports, result.preflight.functions, strict=True):
            show_function(report, summary, groups)


def as_groups(result: DryRun) -> list[list[StoredGeneration]]:
    """Each completion in the shape that shows itself, with its advantage."""
    flat = iter(zip(result.scoring.samples, result.advantages, strict=True))
    groups = []
    for index, group in enumerate(result.groups):
        members = []
        for place, completion in enumerate(group):
            sample, advantage = next(flat)
            shown = as_generation(completion, sample, group_index=index, sample_index=place)
            members.append(replace(shown, advantage=advantage if len(group) > 1 else None))
        groups.append(members)
    return groups


def show_groups(groups: Sequence[Sequence[StoredGeneration]], prompts: Sequence[Messages]) -> None:
    """One group at a time, best first, each completion with its scores, reasons and advantage."""
    index = 0
    if len(groups) > 1:
        chosen = st.pills(
            "Group", range(len(groups)), default=0, required=True, key="dry_run_group_shown",
            format_func=lambda i: f"{i + 1} · {_mean_text(groups[i])}",
            help="The number of the prompt, and the mean reward of its completions.",
        )  # fmt: skip
        index = chosen if chosen is not None and chosen < len(groups) else 0
    st.html(prompt_html(prompts[index][-1]["content"]))
    ordered = sorted(groups[index], key=lambda g: -1e9 if g.reward is None else -g.reward)
    cards = [completion_card(g, title=f"#{g.sample_index + 1}", reasons=True) for g in ordered]
    st.html(completion_grid(cards))


def name_extras(result: DryRun) -> dict[str, Sequence[str]]:
    """What the functions logged of each completion, by the head of its column."""
    return {
        f"{column} ({function})": values
        for function, logged in result.extras.items()
        for column, values in logged.items()
    }


def show_table(
    groups: Sequence[Sequence[StoredGeneration]],
    names: Sequence[str],
    extras: Mapping[str, Sequence[str]],
) -> None:
    """`extras`: further columns, with one text for each completion."""
    flat = [generation for group in groups for generation in group]
    heads = head_columns(names, OWN_COLUMNS)
    frame = pd.DataFrame(
        {
            "prompt": [g.group_index + 1 for g in flat],
            "#": [g.sample_index + 1 for g in flat],
            "reward": _numbers(g.reward for g in flat),
            "advantage": _numbers(g.advantage for g in flat),
            **{
                head: _numbers(g.scores.get(name) for g in flat)
                for head, name in zip(heads, names, strict=True)
            },
            "cut off": [g.truncated for g in flat],
            "completion": [spell_unseen(g.completion) for g in flat],
            **{
                f"why {name}": [spell_unseen(g.reasons.get(name, "")) for g in flat]
                for name in names
            },
            "flags": [", ".join(g.flags) for g in flat],
            **extras,
        }
    )
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        height=min(36 * (len(flat) + 1) + 2, 470),
        alt="Every completion with its scores, reasons and advantage",
        column_config={
            "prompt": number(width=64),
            "#": number(width=44),
            "reward": number(format="%.3f", width=76),
            "advantage": number(format="%+.3f", width=92),
            **{head: number(format="%.3g", width=92) for head in heads},
            "cut off": st.column_config.CheckboxColumn(width=68),
            "completion": st.column_config.TextColumn(width=330),
            **{f"why {name}": st.column_config.TextColumn(width=230) for name in names},
        },
    )


def show_function(
    report: FunctionReport, summary: FunctionSummary, groups: Sequence[Sequence[StoredGeneration]]
) -> None:
    """Time, range, what it printed, and where it broke its contract."""
    with st.container(border=True):
        head = [f"**{plain(report.name)}**", f"{_seconds(report.seconds)} for the batch"]
        if summary.mean is not None:
            head.append(f"mean {summary.mean:.3g}")
            head.append(f"from {summary.lowest:.3g} to {summary.highest:.3g}")
        if summary.unscored:
            head.append(f"{summary.unscored:.0%} unscored")
        st.markdown(" · ".join(head))
        if report.error:
            st.error(plain(report.error), icon=":material/error:")
        if report.traceback:
            st.code(report.traceback, language=None)
        if report.error_sample is not None:
            culprit = [g for group in groups for g in group][report.error_sample]
            prompt, place = culprit.group_index + 1, culprit.sample_index + 1
            st.caption(f"It failed on completion #{place} of prompt {prompt}")
            st.code(culprit.completion or "(empty)", language=None, wrap_lines=True)
        if report.stdout:
            st.caption("Printed")
            st.code(report.stdout, language=None, height=180 if len(report.stdout) > 600 else None)
        if report.metrics:
            st.caption("Logged · " + " · ".join(_metric_texts(report.metrics)))


def _metric_texts(metrics: Mapping[str, float]) -> list[str]:
    return [f"{plain(name)} {value:.4g}" for name, value in metrics.items()]


def _numbers(values: object) -> pd.Series:
    return pd.Series(list(values), dtype="float64")  # type: ignore[call-overload]


def _mean_text(group: Sequence[StoredGeneration]) -> str:
    known = [g.reward for g in group if g.reward is not None]
    return f"{sum(known) / len(known):.2f}" if known else "–"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"
