"""Who may see the dashboard: loopback without asking, anything else only with sign-in."""

import subprocess
import sys

import pytest

from pages.components.access import is_loopback
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
