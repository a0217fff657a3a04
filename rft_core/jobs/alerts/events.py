"""What is worth an alert: how a run ended, and what is badly wrong with it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rft_core.diagnosis.finding import Finding
from rft_core.store.state.status import RunStatus

SENTENCES = {
    "finished": "has finished its {step} steps",
    "stopped": "was stopped after step {step}",
    "failed": "has failed after step {step}",
    "crashed": "has crashed after step {step}",
    "needs_attention": "needs attention after step {step}",
    "unreadable": "cannot be read any more",
}


@dataclass(frozen=True)
class Alert:
    """`key` names it within its run: what has been told under it is not told again. `finding`: what
    is wrong, None where the alert is of the run's state.
    """

    key: str
    run: str
    name: str
    state: str
    step: int
    max_steps: int
    sentence: str
    link: str
    finding: Finding | None = None

    def as_document(self) -> dict[str, Any]:
        """What is posted. `text` is what Slack and its like show of it."""
        shown = {name: value for name, value in asdict(self).items() if name != "key"}
        return {**shown, "text": f"{self.sentence} {self.link}"}


def list_alerts(
    status: RunStatus, findings: Sequence[Finding], *, attempt: int, dashboard: str
) -> list[Alert]:
    """All that can be told of the run as it stands, whether it was told before or not.

    A run that is resumed ends anew with each attempt; a finding is told once for a run. What is
    wrong comes first: it may be why the run ended.
    """
    run, name = status.run.id, status.run.config.name or status.run.id
    link = f"{dashboard}/monitor?run={run}"

    def make(key: str, sentence: str, finding: Finding | None = None) -> Alert:
        return Alert(
            key, run, name, status.state, status.step, status.max_steps, sentence, link, finding
        )

    alerts = [
        make(
            f"finding {finding.kind} {finding.where}".strip(), f"{name}: {finding.summary}", finding
        )
        for finding in findings
        if finding.severity == "error"
    ]
    if status.state in SENTENCES:
        ended = SENTENCES[status.state].format(step=status.step)
        why = f": {status.message}" if status.message else "."
        alerts.append(make(f"{status.state} {attempt}", f"{name} {ended}{why}"))
    return alerts
