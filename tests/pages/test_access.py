"""Who may use the dashboard: its own user on loopback, anywhere else only listed people."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pages.components.access import is_allowed, is_loopback
from rft_core.paths import PROJECT_ROOT


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.8.4.2"])
def test_loopback_addresses_are_served(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", [None, "", "0.0.0.0", "::", "192.168.1.4", "example.com"])
def test_every_other_address_is_public(address: str | None) -> None:
    assert not is_loopback(address)


def test_the_server_refuses_a_public_address_and_says_how_to_sign_in() -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    command += ["--server.address", "0.0.0.0", "--server.port", "18599"]
    result = subprocess.run(
        command, cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "refuses to serve on 0.0.0.0" in said and "secrets.toml" in said


def test_sign_in_without_a_list_of_people_is_refused(tmp_path: Path) -> None:
    """A provider signs in anybody who has an account with it."""
    settings = tmp_path / ".streamlit"
    settings.mkdir()
    (settings / "secrets.toml").write_text(
        '[auth]\nredirect_uri = "https://rft.example.com/oauth2callback"\ncookie_secret = "x"\n'
        'client_id = "a"\nclient_secret = "b"\nserver_metadata_url = "https://example.com"\n'
    )
    command = [sys.executable, "-m", "streamlit", "run", str(PROJECT_ROOT / "app.py")]
    command += ["--server.address", "0.0.0.0", "--server.port", "18598"]
    result = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT)},
    )  # fmt: skip
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert "nobody is listed" in said and "allowed = [" in said


ALLOWED = ("ada@example.com", "@example.org")


@pytest.mark.parametrize("email", ["ada@example.com", "Ada@Example.com", "bob@example.org"])
def test_listed_people_come_in(email: str) -> None:
    assert is_allowed({"email": email, "email_verified": True}, ALLOWED)


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "eve@example.com"},
        {"email": "eve@sub.example.org"},
        {"email": "eve@example.org.evil.com"},
        {"email": "eve@evil.com@example.org"},
        {"email": "ada@example.com", "email_verified": False},
        {"email": "@example.org@"},
        {"name": "ada@example.com"},
        {},
    ],
    ids=str,
)
def test_a_stranger_who_signed_in_does_not(claims: dict[str, object]) -> None:
    assert not is_allowed(claims, ALLOWED)
    assert is_allowed(claims, ("*",))  # whoever writes this wants everybody
