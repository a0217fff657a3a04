"""An experiment's report in Markdown: the claims, and of each block its table and a plot.

Plots are drawn by Mermaid, which Markdown viewers have: a report is one file of text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rft_core.evaluation.known import BASE
from rft_core.evaluation.results import Values
from rft_core.experiments.design import BY_LENGTH, MAJORITY, RERANKED, TOP_1
from rft_core.experiments.results import ArmResult, BlockResult, Findings
from rft_core.statistics import PairedDifference

FORMS = {"N-CoT": "n_cot", "P-CoT": "p_cot"}  # by block, where its answers are thoughts of one form


def write_report(findings: Findings) -> str:
    """Everything that was found, as a text that stands alone."""
    experiment = findings.experiment
    parts = [f"# {experiment.title}", experiment.question, "## Claims"]
    parts += ["\n".join(f"- {verdict.sentence}" for verdict in findings.verdicts)]
    if experiment.size_name:
        parts += [f"## By {experiment.size_name}", write_table(_list_by_size(findings))]
    for result in findings.blocks:
        parts += [f"## {result.block.title}", result.about]
        if result.is_measured:
            seeds = ", ".join(map(str, result.seeds))
            parts += [
                write_table(list_rows(result)),
                f"Measured with seeds {seeds}.",
                _plot(result),
            ]
        else:
            parts += ["Not measured yet."]
    parts += [
        f"{experiment.k} samples of each prompt. Intervals are 95%: of an arm over prompts, of a "
        "difference over prompts and seeds."
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def list_measured(findings: Findings) -> list[dict[str, object]]:
    """A row for each arm of a block and seed, in numbers: what programs read."""
    return [
        _measure_row(result, arm, seed, shares)
        for result in findings.blocks
        for arm in result.arms
        for seed, shares in arm.by_seed.items()
    ]


def _measure_row(
    result: BlockResult, arm: ArmResult, seed: int, shares: Mapping[str, Values]
) -> dict[str, object]:
    """`control`: what the arm that was drawn at random got with that seed."""
    own = replace(arm, by_seed={seed: shares})
    control = next((a for a in result.arms if a.control_of == arm.name), None)
    by_control = control.by_seed.get(seed) if control else None
    matched = replace(own, by_seed={seed: by_control}).get_mean() if by_control else None
    return {
        "method": arm.name,
        "form": FORMS.get(result.block.name),
        "block": result.block.name,
        "examples": result.block.size or result.block.settings.get("num_prompts"),
        "seed": seed,
        "top1": own.get_mean(),
        "ci": own.get_interval(),
        "maj@k": own.get_mean(MAJORITY),
        "rerank@k": own.get_mean(RERANKED),
        "longest@k": own.get_mean(BY_LENGTH),
        "control": matched,
    }


def list_claims(findings: Findings) -> list[dict[str, object]]:
    """Each claim, whether it was reproduced, and by how much in words."""
    return [
        {
            "claim": verdict.claim.text,
            "reproduced": verdict.outcome == "reproduced",
            "outcome": verdict.outcome,
            "by": say_difference(verdict.difference) or verdict.outcome,
        }
        for verdict in findings.verdicts
    ]


def list_rows(result: BlockResult) -> list[dict[str, str]]:
    """A row for each arm, in words: what a page and the report show alike."""
    base = result.arms[0]
    return [_write_row(arm, base, result) for arm in result.arms]


def _write_row(arm: ArmResult, base: ArmResult, result: BlockResult) -> dict[str, str]:
    control = next((a for a in result.arms if a.control_of == arm.name), None)
    row = {"arm": arm.title, TOP_1: _share(arm, TOP_1)}
    if arm.name != BASE:
        row["against the base"] = say_difference(arm.compare(base))
    if control:
        row["against its control"] = say_difference(arm.compare(control))
    for measure in (MAJORITY, RERANKED, BY_LENGTH):
        if arm.get_shares(measure):
            row[measure] = _share(arm, measure)
            row[f"{measure}, gain"] = say_difference(arm.compare(arm, measure))
    if arm.name != BASE and arm.seed_means:
        row["by seed"] = ", ".join(f"{100 * mean:.1f}" for mean in arm.seed_means)
        row["minutes"] = f"{arm.seconds / 60:.1f}"
        row["tokens"] = f"{arm.tokens:,.0f}"
    return row


def _list_by_size(findings: Findings) -> list[dict[str, str]]:
    """A row for each arm, a column for each block."""
    return [
        {"arm": arm.title}
        | {
            result.block.title: _share(result.get_arm(arm.name), TOP_1)
            for result in findings.blocks
        }
        for arm in findings.blocks[0].arms
    ]


def _plot(result: BlockResult) -> str:
    """Top-1 of every arm that was measured, as bars."""
    shares = [(arm.title, mean) for arm in result.arms if (mean := arm.get_mean()) is not None]
    titles = ", ".join(f'"{title}"' for title, _ in shares)
    bars = ", ".join(f"{100 * mean:.1f}" for _, mean in shares)
    lines = [
        "```mermaid", "xychart-beta horizontal", f"    x-axis [{titles}]",
        f'    y-axis "{TOP_1}, % right" 0 --> 100', f"    bar [{bars}]", "```",
    ]  # fmt: skip
    return "\n".join(lines)


def say_difference(difference: PairedDifference | None) -> str:
    """In points, with its interval."""
    if difference is None:
        return ""
    low, high = difference.ci
    return f"{100 * difference.difference:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"


def _share(arm: ArmResult, measure: str) -> str:
    mean, interval = arm.get_mean(measure), arm.get_interval(measure)
    if mean is None or interval is None:
        return "not measured"
    return f"{100 * mean:.1f}% ({100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def write_table(rows: Sequence[dict[str, str]]) -> str:
    """A Markdown table of all columns that any row has."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return "\n".join(_write_lines(columns, rows))


def _write_lines(columns: Sequence[str], rows: Sequence[dict[str, str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(row.get(column, '') for column in columns)} |"
