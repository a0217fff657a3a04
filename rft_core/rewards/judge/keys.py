"""An endpoint's API key: which variable may hold it, where it may be sent, and how it is hidden.

Reward sets come from files and from other people, and one of them could name any variable and any
address. So a key is read only from a variable that is named like one, and leaves this machine only
for a host that somebody has named in `RFT_JUDGE_HOSTS`. Nothing here stores a key.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import httpx

from rft_core.errors import BadInputError
from rft_core.rewards.contract import RewardSet

HOSTS_VARIABLE = "RFT_JUDGE_HOSTS"  # "OPENAI_API_KEY@api.openai.com, llm.example:8000"
KEY_ENDINGS = ("_KEY", "_TOKEN")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
MASK = "[key]"
SHORTEST_MASKED = 4  # characters; what is shorter stands in every text, and protects nothing


def check_key_variable(name: str, variable: str) -> None:
    """Raise `BadInputError` where the judge `name` takes a variable not named like a key."""
    if variable and not variable.upper().endswith(KEY_ENDINGS):
        raise BadInputError(
            f"The judge '{name}' would send the variable {variable:.60}",
            f"Only variables whose names end in {' or '.join(KEY_ENDINGS)} may hold its key",
            "Give the key a variable of its own, such as JUDGE_API_KEY",
        )


def check_key(name: str, base_url: str, variable: str) -> None:
    """Raise `BadInputError` where the judge `name` must not send this variable to this address.

    A variable that is not set may be sent anywhere: there is nothing to send.
    """
    check_key_variable(name, variable)
    url = httpx.URL(base_url)
    if not variable or not os.environ.get(variable, "").strip() or url.host in LOOPBACK:
        return
    if not _is_allowed(variable, url):
        raise BadInputError(
            f"The judge '{name}' would send the key in {variable} to {url.host:.100}",
            "Nobody has said yet that this key may go there",
            f"If it may, set {HOSTS_VARIABLE}={variable}@{url.host:.100} (several: by commas)",
        )


def check_keys(reward_set: RewardSet) -> None:
    """`check_key` for every judge of a reward set."""
    for entry in reward_set.entries:
        if entry.grader == "judge":
            options = entry.options
            check_key(
                entry.name, str(options.get("base_url", "")), str(options.get("key_variable", ""))
            )


def _is_allowed(variable: str, url: httpx.URL) -> bool:
    """By `host`, `host:port`, `VARIABLE@host` or `VARIABLE@host:port`."""
    hosts = {url.host, url.netloc.decode("ascii").lower()}
    for item in os.environ.get(HOSTS_VARIABLE, "").split(","):
        wanted, at, host = item.strip().rpartition("@")
        if host.lower() in hosts and (not at or wanted == variable):
            return True
    return False


def get_key(variable: str) -> str:
    """The key in this variable, "" for none. Raises `BadInputError` for what no header can hold."""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not (key.isascii() and key.isprintable()):
        raise BadInputError(
            f"The key in {variable} holds characters that no request can carry",
            "",
            f"Set {variable} anew, without line breaks and accents",
        )
    return key


def mask(text: str, key: str) -> str:
    """The text without the key, be it written plainly, for JSON, for an address, or in base64."""
    if len(key) >= SHORTEST_MASKED:
        for form in _list_forms(key):
            text = text.replace(form, MASK)
    return text


def _list_forms(key: str) -> Iterator[str]:
    yield from (key, quote(key, safe=""), quote(key), quote_plus(key), json.dumps(key)[1:-1])
    yield key.encode().hex()
    for shift in range(3):  # base64 groups three bytes: the key may begin at any of them
        coded = base64.b64encode(b"\0" * shift + key.encode()).decode()
        inner = coded[-(-shift * 8 // 6) : (shift + len(key)) * 8 // 6]
        if len(inner) >= SHORTEST_MASKED:
            yield from (inner, inner.replace("+", "-").replace("/", "_"))
