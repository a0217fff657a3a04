"""Alerts: a run ends, or something is badly wrong with it, and a webhook hears of it, once.

`events.py` says what is worth an alert, `webhook.py` posts it, `teller.py` remembers what was told
and does both beside the supervisor, which never waits for it.
"""

from rft_core.jobs.alerts.teller import Teller

__all__ = ["Teller"]
