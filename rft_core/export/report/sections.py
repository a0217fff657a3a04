"""The parts of a report as HTML. All that people and models wrote is escaped here."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rft_core.diagnosis.finding import Finding
from rft_core.evaluation.records import MeasuredRun
from rft_core.evaluation.report import main_table, verdict_text
from rft_core.export.report.contents import ReportContents, ReportedStep
from rft_core.export.report.curve_svg import CurveLine, draw_curves
from rft_core.export.report.escaping import escape_text
from rft_core.figures import Curves
from rft_core.rewards.contract import RewardEntry
from rft_core.store.generations import StoredGeneration, StoredPrompt

SPLITS = ("train", "validation")
LONGEST = 4_000  # characters of a text that a report shows
ICONS = {"error": "✕", "warning": "!", "info": "i"}


def findings_section(contents: ReportContents) -> str:
    if not contents.findings:
        found = '<p class="good">Nothing is wrong that the doctor could see.</p>'
    else:
        found = "".join(_finding(one, contents.proofs) for one in contents.findings)
    said = contents.verdict
    preflight = f"<p><b>Before step 1.</b> {escape_text(said)}</p>" if said else ""
    return section("What was found", preflight + found)


def curves_section(contents: ReportContents) -> str:
    begins = [plan.first_step for plan in contents.status.run.config.plan_stages()]
    charts = [_chart(contents.curves, *one, begins[1:]) for one in _list_measures(contents)]
    drawn = [chart for chart in charts if chart]
    if not drawn:
        return section("Curves", "<p>Nothing was measured yet.</p>")
    legend = '<p class="legend"><i class="train"></i>training <i class="validation"></i>validation'
    legend += ", over steps; a band spans what a long line's mean hides</p>"
    return section("Curves", f'{legend}<div class="charts">{"".join(drawn)}</div>')


def evaluation_section(measured: Sequence[MeasuredRun], run_id: str) -> str:
    if not measured:
        how = f"<code>python -m rft_core evaluate {escape_text(run_id)}</code>"
        return section("On rows that it was not trained on", f"<p>Not evaluated yet: {how}</p>")
    parts = []
    for one in measured:
        base, *tuned = one.matchup.evaluations
        parts.append(f"<p>{escape_text(one.matchup.about)}</p>")
        parts += [
            f"<p><b>{escape_text(verdict_text(each.model, base.model, each.versus_base))}</b></p>"
            for each in tuned
            if each.versus_base and each.model == one.label
        ]
        parts.append(table(main_table(one.matchup.evaluations)))
    return section("On rows that it was not trained on", "".join(parts))


def generations_section(steps: Sequence[ReportedStep]) -> str:
    if not steps:
        return section("What it wrote", "<p>It has written nothing yet.</p>")
    return section("What it wrote", "".join(_step(one) for one in reversed(steps)))


def rewards_section(contents: ReportContents) -> str:
    if contents.rewards is None:
        text = "<p>Nothing is rewarded: it learns from given completions.</p>"
        return section("What was rewarded", text)
    return section("What was rewarded", "".join(_entry(e) for e in contents.rewards.entries))


def settings_section(contents: ReportContents) -> str:
    rows = [{"setting": name, "value": value} for name, value in contents.settings.items()]
    changed = table(rows) if rows else "<p>All settings are at their defaults.</p>"
    whole = f"<pre>{escape_text(contents.config_yaml)}</pre>"
    return section(
        "Settings",
        f"{changed}<details><summary>All settings, as YAML for <code>launch</code></summary>"
        f"{whole}</details>",
    )


def facts_section(contents: ReportContents) -> str:
    return section(
        "Where it comes from",
        f"{_facts(contents.facts)}<p>This report was written on:</p>{_facts(contents.written_on)}",
    )


def section(title: str, body: str) -> str:
    """`body` is markup already."""
    return f"<section><h2>{escape_text(title)}</h2>{body}</section>"


def table(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape_text(name)}</th>" for name in rows[0])
    body = "".join(
        f"<tr>{''.join(f'<td>{escape_text(cell)}</td>' for cell in row.values())}</tr>"
        for row in rows
    )
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inside}</table></div>'


def _facts(facts: Mapping[str, str]) -> str:
    pairs = "".join(
        f"<dt>{escape_text(name)}</dt><dd>{escape_text(value)}</dd>"
        for name, value in facts.items()
    )
    return f"<dl>{pairs}</dl>"


def _finding(finding: Finding, proofs: Mapping[int, StoredGeneration]) -> str:
    evidence = f'<p class="quiet">{escape_text(finding.evidence)}</p>' if finding.evidence else ""
    shown = [_completion(proofs[id], None) for id in finding.generations if id in proofs]
    proof = f'<div class="pair">{"".join(shown)}</div>' if shown else ""
    return (
        f'<div class="finding {finding.severity}"><h3><span>{ICONS[finding.severity]}</span>'
        f"{escape_text(finding.title)}</h3><p>{escape_text(finding.summary)}</p>{evidence}"
        f'<p class="fix">{escape_text(finding.fix)}</p>{proof}</div>'
    )


def _list_measures(contents: ReportContents) -> list[tuple[str, str, str]]:
    """Metric, title and explanation: rewards first, then what the methods say of themselves."""
    found = {"reward": ("Total reward", "Mean of the weighted sum of all reward functions.")}
    for name in contents.curves.functions:
        found[f"rewards/{name}/mean"] = (name, f"Mean score of the reward function '{name}'.")
    found["flagged"] = ("Flagged share", "Share of completions in which a trick was recognised.")
    for method in contents.status.run.config.methods:
        for panel in (*method.policy_panels, *method.optimisation_panels):
            found.setdefault(panel.metric, (panel.title, panel.help))
    return [(metric, title, help) for metric, (title, help) in found.items()]


def _chart(curves: Curves, metric: str, title: str, help: str, marks: Sequence[int]) -> str:
    lines = [
        CurveLine(split, curve.step, curve.value)
        for split in SPLITS
        if (curve := curves.get(metric, split)) is not None
    ]
    drawn = draw_curves(title, lines, marks)
    if not drawn:
        return ""
    caption = f"<figcaption>{escape_text(title)}</figcaption>"
    return f'<figure title="{escape_text(help)}">{caption}{drawn}</figure>'


def _step(shown: ReportedStep) -> str:
    best = [_completion(one, shown.prompts.get(one.prompt_id)) for one in shown.best]
    worst = [_completion(one, shown.prompts.get(one.prompt_id)) for one in shown.worst]
    columns = f"<div><h4>Best</h4>{''.join(best)}</div>"
    if worst:
        columns += f"<div><h4>Worst</h4>{''.join(worst)}</div>"
    return f'<h3>Step {shown.step}</h3><div class="pair">{columns}</div>'


def _completion(generation: StoredGeneration, prompt: StoredPrompt | None) -> str:
    scores = "".join(
        f"<li><b>{escape_text(name)}</b> {'–' if score is None else f'{score:.3g}'}"
        f'<span class="quiet"> {escape_text(generation.reasons.get(name, ""))}</span></li>'
        for name, score in generation.scores.items()
    )
    flags = "".join(f'<span class="flag">{escape_text(flag)}</span>' for flag in generation.flags)
    reward = "–" if generation.reward is None else f"{generation.reward:.3g}"
    asked = f"<blockquote>{_cut(_get_asked(prompt))}</blockquote>" if prompt else ""
    cut_off = f" · cut off at {generation.num_tokens:,} tokens" if generation.truncated else ""
    return (
        f"<article><header>reward {reward} · step {generation.step}{cut_off}{flags}</header>{asked}"
        f"<pre>{_cut(generation.completion) or '(empty)'}</pre><ul>{scores}</ul></article>"
    )


def _get_asked(prompt: StoredPrompt) -> str:
    asked = [message["content"] for message in prompt.messages if message["role"] == "user"]
    return asked[-1] if asked else prompt.text


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return escape_text(text)
    return f"{escape_text(text[:LONGEST])}… ({len(text) - LONGEST:,} more characters)"


def _entry(entry: RewardEntry) -> str:
    weight = f"weight {entry.weight:g}" if entry.weight else "only logged"
    options = json.dumps(dict(entry.options), ensure_ascii=False, indent=1) if entry.options else ""
    shaping = json.dumps(dict(entry.shaping), ensure_ascii=False) if entry.shaping else ""
    code = entry.source if entry.source is not None else options
    counts = f'<p class="quiet">How it counts: {escape_text(shaping)}</p>' if shaping else ""
    return (
        f"<h3>{escape_text(entry.name)} <small>{weight} · {escape_text(entry.grader)}</small></h3>"
        f"{counts}{f'<pre>{escape_text(code)}</pre>' if code else ''}"
    )
