"""Each layer stops what it is there for, and without it the same attempt succeeds.

So a layer that is switched off by mistake cannot go unnoticed: no other one covers for it here.
"""

import os
import shutil

import pytest

from rft_core.sandbox import jail, tiers
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.outcome import InfrastructureError
from rft_core.sandbox.probes import PROBES

INNER = [name for name, (layer, _) in PROBES.items() if layer in jail.INNER_LAYERS]
OUTER = [name for name, (layer, _) in PROBES.items() if layer == jail.BUBBLEWRAP]
# What an ordinary user cannot do anyway.
NEEDS_ROOT_TO_SUCCEED = {"regain root"}


@pytest.fixture(scope="module")
def report():
    return tiers.inspect()


@pytest.fixture(scope="module")
def bare_server():
    """A fork server without Bubblewrap."""
    server = ForkServer(bubblewrap=False)
    yield server
    server.close()


@pytest.fixture(scope="module")
def wrapped_server():
    if not shutil.which("bwrap"):
        pytest.skip("bwrap is not installed")
    try:
        server = ForkServer(bubblewrap=True)
    except InfrastructureError as error:
        pytest.skip(f"bwrap does not work here: {error}")
    yield server
    server.close()


def held(server: ForkServer, layer: str, applied: list[str]) -> dict[str, bool]:
    return {result.name: result.held for result in tiers.try_layer(server, layer, applied)}


def test_this_machine_has_a_tier_and_says_what_is_missing(report):
    assert report.tier in tiers.TIERS, report.missing
    assert {result.name for result in report.probes} == set(PROBES)
    assert (report.missing == "") == (report.tier == "A")


def test_a_tier_needs_all_its_layers():
    everything = {jail.BUBBLEWRAP, *jail.INNER_LAYERS}
    assert tiers.get_tier(everything) == "A"
    assert tiers.get_tier(everything - {jail.BUBBLEWRAP}) == "B"
    assert tiers.get_tier(everything - {jail.LANDLOCK}) == "C"
    assert tiers.get_tier(everything - {jail.LANDLOCK, jail.BUBBLEWRAP}) is None
    for needed in (jail.SECCOMP, jail.USER, jail.LIMITS):
        assert tiers.get_tier(everything - {needed}) is None


@pytest.mark.parametrize("name", INNER)
def test_an_inner_layer_alone_stops_it_and_nothing_does_without(name, report, bare_server):
    layer = PROBES[name][0]
    if layer not in report.layers:
        pytest.skip(f"this kernel has no {layer}")
    assert held(bare_server, layer, [layer])[name]
    if os.getuid() == 0 or name not in NEEDS_ROOT_TO_SUCCEED:
        assert not held(bare_server, layer, [])[name]


@pytest.mark.parametrize("name", OUTER)
def test_bubblewrap_alone_stops_it_and_nothing_does_without(name, bare_server, wrapped_server):
    assert held(wrapped_server, jail.BUBBLEWRAP, [])[name]
    assert not held(bare_server, jail.BUBBLEWRAP, [])[name]


@pytest.mark.parametrize("name", PROBES)
def test_in_the_whole_jail_every_attempt_fails(name, report):
    server, _ = tiers.start_server()
    assert server
    try:
        layer = PROBES[name][0]
        if layer in report.layers or server.has_bubblewrap:
            assert held(server, layer, list(report.layers))[name]
    finally:
        server.close()
