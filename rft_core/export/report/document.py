"""The report as one HTML document: no script, no network, both themes, and fit to be printed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rft_core.export.report.contents import ReportContents
from rft_core.export.report.escaping import escape_text
from rft_core.export.report.sections import (
    curves_section,
    evaluation_section,
    facts_section,
    findings_section,
    generations_section,
    rewards_section,
    settings_section,
)
from rft_core.store.state.status import RunStatus

STYLE = Path(__file__).with_name("report.css")
# Nothing may be fetched and nothing run, whatever a completion says: the browser holds to it too.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_document(contents: ReportContents, written_at: float) -> str:
    """`written_at`: seconds since the epoch, of the writer's clock."""
    run = contents.status.run
    title = escape_text(run.name or run.id)
    style = STYLE.read_text(encoding="utf-8")
    when = f"{datetime.fromtimestamp(written_at):%Y-%m-%d %H:%M}"
    parts = [
        findings_section(contents),
        curves_section(contents),
        evaluation_section(contents.measured, run.id),
        generations_section(contents.steps),
        rewards_section(contents),
        settings_section(contents),
        facts_section(contents),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title} · RFT Studio</title><style>{style}</style></head><body><main>"
        f'<header class="head"><p class="quiet">RFT Studio · report of {when}</p><h1>{title}</h1>'
        f"{_head(contents.status)}</header>{''.join(parts)}</main></body></html>\n"
    )


def _head(status: RunStatus) -> str:
    """State, and the figures that a reader looks for first."""
    config = status.run.config
    tiles = {"state": status.state.replace("_", " ")}
    tiles["step"] = f"{status.step:,} of {status.max_steps:,}"
    for split, metrics in (("train", status.last_train), ("validation", status.last_validation)):
        if "reward" in metrics:
            tiles[f"last {split} reward"] = f"{metrics['reward']:.3f}"
    if status.duration:
        tiles["training"] = f"{status.duration / 60:,.1f} min"
    shown = "".join(
        f"<div><b>{escape_text(value)}</b><span>{escape_text(name)}</span></div>"
        for name, value in tiles.items()
    )
    what = f"{config.model} on {config.task}, by {' → '.join(config.method_titles)}"
    message = f'<p class="quiet">{escape_text(status.message)}</p>' if status.message else ""
    return f'<p>{escape_text(what)}</p><div class="tiles">{shown}</div>{message}'
