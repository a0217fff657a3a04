"""A finding: something that is wrong with a run, the arithmetic that shows it, and its cure."""

from __future__ import annotations

from dataclasses import dataclass

from rft_core.types import Severity


@dataclass(frozen=True)
class Finding:
    """What a rule found, complete enough to be believed or refuted by whoever reads it.

    `kind` names it for programs and tests, `where` is a reward function, a phase or "": the whole
    run. `title` is a heading of a few words and `summary` one sentence; `evidence` is the
    arithmetic behind it, `fix` the next thing to do. `generations`: ids of stored completions that
    show it. `missing`: what was not recorded, and would have made the finding surer.
    """

    kind: str
    severity: Severity
    title: str
    summary: str
    evidence: str
    fix: str
    where: str = ""
    generations: tuple[int, ...] = ()
    missing: tuple[str, ...] = ()
