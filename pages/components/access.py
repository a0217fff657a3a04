"""Who may see the dashboard: this machine, or people signed in by OpenID Connect.

A dashboard that launches processes must not be reachable by strangers. On a loopback address it
serves without asking; on any other it refuses to start until sign-in is configured (`[auth]` in
`.streamlit/secrets.toml`), and then every page asks for it.
"""

import ipaddress
import sys

import streamlit as st

HOW_TO_SIGN_IN = (
    "Serve on 127.0.0.1 (the default), or configure OpenID Connect: put an [auth] section with "
    "redirect_uri, cookie_secret, client_id, client_secret and server_metadata_url into "
    ".streamlit/secrets.toml. See 'Serving a team' in the README."
)


def refuse_public_address() -> None:
    """Called once, before the server listens: exits on a public address without sign-in."""
    address = st.get_option("server.address")
    if not is_loopback(address) and not is_sign_in_configured():
        sys.exit(
            f"RFT Studio refuses to serve on {address or 'every address of this machine'}: "
            f"anyone who reaches it could run code here. {HOW_TO_SIGN_IN}"
        )


def require_sign_in() -> None:
    """Stop the page until the visitor is signed in, where sign-in is configured."""
    if not is_sign_in_configured() or st.user.is_logged_in:
        return
    st.title("RFT Studio")
    st.write("Please sign in to continue.")
    st.button("Sign in", type="primary", icon=":material/login:", on_click=st.login)
    st.stop()


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
