"""How well this machine locks code in: a quiet line where it does, a banner where it does not."""

import streamlit as st

from pages.components.page_header import plain
from rft_core.jobs.sandbox_report import REFUSAL, TIERS, SandboxReport, get_sandbox_report


def sandbox_line() -> None:
    """The tier and why, for everybody; what each probe tried is folded away."""
    report = get_sandbox_report()
    if report.tier is None:
        sandbox_banner()
        return
    layers = ", ".join(sorted(TIERS[report.tier]))
    with st.expander(f"Sandbox: tier {report.tier} ({layers})", icon=":material/lock:"):
        if report.missing:
            st.caption(f"Not the best tier: {plain(report.missing)}.")
        st.caption("Code that a model or a person wrote runs locked in. Each row was tried here.")
        _show_probes(report)


def sandbox_banner() -> None:
    """Nothing where code can be locked in; else what is refused, why, and what still works."""
    report = get_sandbox_report()
    if report.tier is not None:
        return
    st.error(
        f"{plain(report.missing)}.  \n{REFUSAL}.",
        title="Code cannot be locked in on this machine",
        icon=":material/lock_open:",
    )


def _show_probes(report: SandboxReport) -> None:
    st.dataframe(
        [
            {
                "attempt": probe.name.replace("_", " "),
                "held back by": probe.layer,
                "held": probe.held,
                "how": probe.detail,
            }
            for probe in report.trials
        ],
        hide_index=True,
        alt="What was tried against the sandbox, and what held",
    )
