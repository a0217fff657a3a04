"""The webhook: where alerts are posted, and posting one.

Its address is a secret as a rule. It stands in `RFT_WEBHOOK_URL`, or in the file `webhook.url` of
the runs folder, never in a run's settings, and nothing that is printed or stored holds it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rft_core.paths import get_webhook_path

VARIABLE, DASHBOARD_VARIABLE = "RFT_WEBHOOK_URL", "RFT_DASHBOARD_URL"
DEFAULT_DASHBOARD = "http://localhost:8501"
TIMEOUT = 5.0  # seconds for one attempt
PAUSES = (1.0, 4.0)  # seconds before each further attempt
LONGEST_URL = 4096
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def read_webhook(runs_dir: Path) -> str:
    """The address, or "" where nobody wants to hear. The variable goes before the file."""
    url = os.environ.get(VARIABLE, "").strip()
    if not url:
        try:
            with get_webhook_path(runs_dir).open(encoding="utf-8") as file:
                url = file.read(LONGEST_URL).strip()
        except (OSError, ValueError):
            return ""
    return url


def read_dashboard() -> str:
    """Where people open the dashboard, for the links in alerts."""
    return os.environ.get(DASHBOARD_VARIABLE, "").strip().rstrip("/") or DEFAULT_DASHBOARD


def post(
    url: str, document: Mapping[str, Any], *, sleep: Callable[[float], object] = time.sleep
) -> str:
    """Post it, trying again where that may help. "" when it was taken, else why not.

    Redirects are not followed: the alert is for the named host alone. Never raises.
    """
    import httpx  # only where there is a webhook

    problem = ""
    for pause in (*PAUSES, None):
        try:
            host = httpx.URL(url).host
            if httpx.URL(url).scheme not in ("http", "https") or not host:
                return "the address of the webhook is none: it begins with http:// or https://"
            answer = httpx.post(
                url, json=dict(document), timeout=TIMEOUT, trust_env=host not in LOOPBACK
            )
            if answer.is_success:
                return ""
            problem = f"{host} answered with status {answer.status_code}"
            if answer.status_code < 500 and answer.status_code not in (408, 425, 429):
                return problem  # asking again would not change its mind
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            problem = f"the webhook could not be reached: {type(error).__name__}"
        if pause is not None:
            sleep(pause)
    return problem
