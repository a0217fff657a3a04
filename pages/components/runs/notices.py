"""Notices: on whichever page is open, a toast when a run ends or something is badly wrong with it.

Once for each browser session and event: what had happened before the session began is no news.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import streamlit as st

from pages.components.page_header import plain, shown_errors
from pages.components.runs.look import look_at
from pages.components.runs.pulse import redraw_on_lives
from pages.components.runs.pulse_route import get_revision
from pages.components.shared_reads import shared_reads
from rft_core.errors import RftError
from rft_core.paths import get_runs_dir
from rft_core.store.commands import list_commands
from rft_core.store.index import open_index
from rft_core.store.state.status import RunStatus, get_run_status

EVERY = 3.0  # seconds
KNOWN = "notices_known"
LATELY = 12  # commands whose runs are looked at: every run that begins is asked for by one
LONGEST = 240  # characters of a toast
ENDED = {
    "finished": ("has finished", "check_circle"),
    "stopped": ("was stopped", "stop_circle"),
    "failed": ("has failed", "error"),
    "crashed": ("has crashed", "error"),
    "needs_attention": ("needs attention", "warning"),
}


@dataclass(frozen=True)
class RunNews:
    """What a run is, as far as a toast could say it. `errors`: (what names it, what is wrong)."""

    run: str
    name: str
    state: str
    is_active: bool
    message: str = ""
    errors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Known:
    """What a browser session has seen: the runs that were active, the errors that were there."""

    active: frozenset[str]
    errors: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Notice:
    text: str
    icon: str


def notices() -> None:
    """Once for every page, before it."""
    st.fragment(_tell_news, key="notices")()
    redraw_on_lives("notices", every=EVERY)


def list_notices(known: Known | None, news: Sequence[RunNews]) -> tuple[list[Notice], Known]:
    """What is new, and what is known from now on. At a session's first look (None) nothing is."""
    active = frozenset(run.run for run in news if run.is_active)
    errors = frozenset((run.run, name) for run in news for name, _ in run.errors)
    if known is None:
        return [], Known(active, errors)
    found = []
    for run in news:
        new = [what for name, what in run.errors if (run.run, name) not in known.errors]
        found += [Notice(f"{run.name}: {what}", "stethoscope") for what in new]
        if run.run in known.active and run.state in ENDED:
            words, icon = ENDED[run.state]
            why = f": {run.message}" if run.message else "."
            found.append(Notice(f"{run.name} {words}{why}", icon))
    return found, Known(active, known.errors | errors)


@shown_errors()
def _tell_news() -> None:
    known = st.session_state.get(KNOWN)
    with suppress(RftError):  # the page itself says what is wrong with the folder
        found, st.session_state[KNOWN] = list_notices(known, _read_news(known))
        for notice in found:
            text = notice.text if len(notice.text) <= LONGEST else f"{notice.text[:LONGEST]} …"
            st.toast(plain(text), icon=f":material/{notice.icon}:", duration="long")


def _read_news(known: Known | None) -> list[RunNews]:
    """Of the runs that something was asked of lately, and of those that were active."""
    asked = _list_asked()
    runs = [*asked, *sorted((known.active if known else frozenset()) - set(asked))]
    return [news for run in runs if (news := _read_run(run)) is not None]


def _list_asked() -> list[str]:
    def read(_: list[str] | None) -> list[str]:
        with open_index(get_runs_dir()) as index:
            commands = list_commands(index)
        return list(dict.fromkeys(command.run for command in commands[-LATELY:]))

    return shared_reads().get(("asked", get_runs_dir()), get_revision(), read)


def _read_run(run: str) -> RunNews | None:
    """None of a run that was deleted."""

    def read(known: RunNews | None) -> RunNews | None:
        try:
            with open_index(get_runs_dir()) as index:
                status = get_run_status(index, get_runs_dir(), run)
        except RftError:
            return None
        was_active = known is None or known.is_active
        errors = _list_errors(status) if status.is_active or was_active else known.errors
        name = status.run.config.name or run
        return RunNews(run, name, status.state, status.is_active, status.message, errors)

    return shared_reads().get(("news", get_runs_dir(), run), get_revision(run), read)


def _list_errors(status: RunStatus) -> tuple[tuple[str, str], ...]:
    if status.state in ("queued", "unreadable"):
        return ()
    findings = look_at(status.run).judgement.findings
    return tuple((f"{f.kind} {f.where}", f.summary) for f in findings if f.severity == "error")
