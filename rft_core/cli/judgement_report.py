"""What is to be said of a run, as one JSON document, and as lines for people. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rft_core.cli.dry_run_report import preflight_document
from rft_core.cli.output import printable

if TYPE_CHECKING:
    from rft_core.jobs.judging import JudgedPreflight, RunJudgement


def judgement_document(judgement: RunJudgement) -> dict[str, Any]:
    """`preflight` is None where there was none."""
    from rft_core.diagnosis.doctor import get_title

    return {
        "preflight": _preflight_document(judgement.preflight) if judgement.preflight else None,
        "findings": [
            {
                "kind": found.kind,
                "severity": found.severity,
                "title": get_title(found),
                "message": found.what,
                "fix": found.fix,
            }
            for found in judgement.findings
        ],
        "ways_out": [
            {"name": way.name, "title": way.title, "what": way.what, "command": way.command}
            for way in judgement.ways_out
        ],
    }


def print_judgement(judgement: RunJudgement) -> None:
    """Nothing where there is nothing to say."""
    from rft_core.diagnosis.doctor import get_title

    if preflight := judgement.preflight:
        print(printable(f"\nPreflight, {preflight.tried}: {preflight.sentence}"))
    for found in judgement.findings:
        print(printable(f"\n{get_title(found)}. {found.what}\n  → {found.fix}"))
    for way in judgement.ways_out:
        print(printable(f"\n{way.title}: {way.what}"))
        if way.command:
            print(printable(f"  {way.command}"))


def _preflight_document(preflight: JudgedPreflight) -> dict[str, Any]:
    stored = preflight.stored
    return {
        "prompts": stored.prompts,
        "num_generations": stored.num_generations,
        "seconds": stored.seconds,
        **preflight_document(preflight.verdict, stored.num_generations),
        "sentence": preflight.sentence,
    }
