"""Who may use the dashboard: the user who started it, or listed people who signed in.

A dashboard that launches processes must not be reachable by strangers. On a loopback address it
serves the user who started it, and whoever has the token (see `gate.py`). On any other address it
refuses to start until sign-in by OpenID Connect is configured (`[auth]` in
`.streamlit/secrets.toml`) together with the list of who may come in: a provider signs in anybody.
"""

import ipaddress
import os
import sys
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

from pages.components.gate import Gate, ensure_token
from rft_core.paths import get_runs_dir, get_token_path

HOW_TO_SIGN_IN = (
    "Serve on 127.0.0.1 (the default), or configure OpenID Connect: put an [auth] section with "
    "redirect_uri, cookie_secret, client_id, client_secret, server_metadata_url and allowed into "
    ".streamlit/secrets.toml. See docs/serving-a-team.md."
)
HOW_TO_LIST = (
    'Name who may: put allowed = ["ada@example.com", "@example.org"] into the [auth] section of '
    '.streamlit/secrets.toml; "*" lets in everybody whom the provider signs in.'
)
NO_TOKEN = "none"


def refuse_public_address() -> None:
    """Called once, before the server listens: exits where strangers could come in."""
    address = st.get_option("server.address")
    if not is_loopback(address) and not is_sign_in_configured():
        sys.exit(
            f"RFT Studio refuses to serve on {address or 'every address of this machine'}: "
            f"anyone who reaches it could run code here. {HOW_TO_SIGN_IN}"
        )
    if is_sign_in_configured() and not list_allowed():
        sys.exit(
            "RFT Studio refuses to serve: sign-in is configured, but nobody is listed who may "
            f"come in. {HOW_TO_LIST}"
        )


def make_gate() -> Middleware:
    return Middleware(
        Gate,
        is_host_allowed=is_host_allowed,
        token=get_token(),
        token_file=get_token_path(get_runs_dir()),
        origins=_list_origins(),
    )


def announce() -> None:
    """Say on the terminal which address lets in others than the user who started the server."""
    if token := get_token():
        address, port = st.get_option("server.address"), st.get_option("server.port")
        host = f"[{address}]" if ":" in str(address) else address
        print(f"  For another user or browser of this machine: http://{host}:{port}/?token={token}")


def get_token() -> str | None:
    """What opens the dashboard; None where people sign in, or RFT_DASHBOARD_TOKEN=none."""
    chosen = os.environ.get("RFT_DASHBOARD_TOKEN")
    if is_sign_in_configured() or chosen == NO_TOKEN:
        return None
    if chosen:
        return chosen
    runs_dir = get_runs_dir()
    runs_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    return ensure_token(get_token_path(runs_dir))


def require_sign_in() -> None:
    """Stop the page until a listed visitor is signed in, where sign-in is configured."""
    if not is_sign_in_configured():
        return
    if st.user.is_logged_in and is_allowed(st.user.to_dict(), list_allowed()):
        return
    st.title("RFT Studio")
    if st.user.is_logged_in:
        who = st.user.get("email") or "This account"
        st.error(f"{who} may not use this dashboard. Ask whoever runs it.")
        st.button("Sign out", icon=":material/logout:", on_click=st.logout)
    else:
        st.write("Please sign in to continue.")
        st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()


def get_person() -> str:
    """Whose work this is: the signed-in account, or "local" where nobody signs in."""
    return str(st.user.get("email") or "local") if is_sign_in_configured() else "local"


def is_allowed(claims: dict[str, Any], allowed: tuple[str, ...]) -> bool:
    """Is this account listed, by its address or by "@domain"? Only addresses that are verified."""
    if "*" in allowed:
        return True
    email = str(claims.get("email") or "").casefold()
    if email.count("@") != 1 or claims.get("email_verified") is False:
        return False
    domain = "@" + email.partition("@")[2]
    return any(entry.casefold() in (email, domain) for entry in allowed)


def list_allowed() -> tuple[str, ...]:
    given = st.secrets["auth"].get("allowed", ())
    entries = (given,) if isinstance(given, str) else tuple(given)
    return tuple(str(entry).strip() for entry in entries if str(entry).strip())


def _list_origins() -> tuple[str, ...]:
    """Where people are sent back to after they signed in is an address of this dashboard."""
    if not is_sign_in_configured():
        return ()
    address = urlsplit(str(st.secrets["auth"].get("redirect_uri", "")))
    return (f"{address.scheme}://{address.netloc}",) if address.netloc else ()


def is_sign_in_configured() -> bool:
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def is_loopback(address: str | None) -> bool:
    """Whether only this machine can connect. None or '' means every interface."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address or "0.0.0.0").is_loopback
    except ValueError:
        return False
