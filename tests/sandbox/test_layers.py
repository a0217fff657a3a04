"""Each layer stops what it is there for, and without it the same attempt succeeds.

So a layer that is switched off by mistake cannot go unnoticed: no other one covers for it here.
"""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from rft_core.sandbox import fork_server, tiers
from rft_core.sandbox.fork_server import ForkServer
from rft_core.sandbox.inside.trials import LIBRARIES, TRIALS
from rft_core.sandbox.jail import jail, landlock
from rft_core.sandbox.server_kind import ServerKind

INNER = [name for name, (layer, _) in TRIALS.items() if layer in jail.INNER_LAYERS]
OUTER = [name for name, (layer, _) in TRIALS.items() if layer == jail.BUBBLEWRAP]
# What an ordinary user cannot do anyway.
NEEDS_ROOT_TO_SUCCEED = {"regain root", "read the fork server"}
# What must work is no attempt, and works without Bubblewrap all the more.
OUTER = [name for name in OUTER if name != LIBRARIES]


@pytest.fixture(scope="module")
def report():
    return tiers.inspect()


@pytest.fixture(scope="module", params=ServerKind, ids=str)
def bare_server(request):
    """A fork server without Bubblewrap."""
    server = ForkServer(bubblewrap=False, kind=request.param)
    yield server
    server.close()


@pytest.fixture(scope="module", params=ServerKind, ids=str)
def wrapped_server(request):
    if not can_use_namespaces():
        pytest.skip("bwrap is not installed or does not work here")
    server = ForkServer(bubblewrap=True, kind=request.param)
    yield server
    server.close()


def can_use_namespaces() -> bool:
    """Whether bwrap, asked as simply as can be, gives namespaces on this machine."""
    program = shutil.which("bwrap")
    command = [program, "--unshare-pid", "--unshare-net", "--ro-bind", "/", "/", "true"]
    return bool(program) and subprocess.run(command, check=False).returncode == 0


def held(server: ForkServer, layer: str, applied: list[str]) -> dict[str, bool]:
    return {result.name: result.held for result in tiers.try_layer(server, layer, applied)}


def test_this_machine_has_a_tier_and_says_what_is_missing(report):
    assert report.tier in tiers.TIERS, report.missing
    assert {result.name for result in report.trials} == set(TRIALS)
    assert (report.missing == "") == (report.tier == "A")


def test_what_this_machine_offers_is_in_force(report):
    """Asked of the kernel itself, so that a layer of ours that fails to work is no lower tier."""
    offered = {jail.USER, jail.LIMITS, jail.SECCOMP}
    if landlock.get_version():
        offered.add(jail.LANDLOCK)
    assert set(report.layers) >= offered, report.missing
    if can_use_namespaces():
        assert report.tier == "A", report.missing


def test_a_tier_needs_all_its_layers():
    everything = {jail.BUBBLEWRAP, *jail.INNER_LAYERS}
    assert tiers.get_tier(everything) == "A"
    assert tiers.get_tier(everything - {jail.BUBBLEWRAP}) == "B"
    assert tiers.get_tier(everything - {jail.LANDLOCK}) == "C"
    assert tiers.get_tier(everything - {jail.LANDLOCK, jail.BUBBLEWRAP}) is None
    for needed in (jail.SECCOMP, jail.USER, jail.LIMITS):
        assert tiers.get_tier(everything - {needed}) is None


@pytest.mark.parametrize("name", INNER)
def test_an_inner_layer_alone_stops_it_and_nothing_does_without(name, bare_server):
    layer = TRIALS[name][0]
    if layer == jail.LANDLOCK and not landlock.get_version():
        pytest.skip("this kernel has no Landlock")
    assert held(bare_server, layer, [layer])[name]
    if os.getuid() == 0 or name not in NEEDS_ROOT_TO_SUCCEED:
        assert not held(bare_server, layer, [])[name]


@pytest.mark.parametrize("name", OUTER)
def test_bubblewrap_alone_stops_it(name, wrapped_server):
    assert held(wrapped_server, jail.BUBBLEWRAP, [])[name]


@pytest.mark.parametrize("name", OUTER)
def test_nothing_stops_it_without_bubblewrap(name, bare_server):
    assert not held(bare_server, jail.BUBBLEWRAP, [])[name]


@pytest.mark.parametrize("kind", ServerKind)
def test_in_the_whole_jail_every_attempt_fails(kind, report):
    server, found = tiers.start_server(kind)
    assert server and found.tier == report.tier
    try:
        for name, (layer, _) in TRIALS.items():
            if layer in report.layers or (layer == jail.BUBBLEWRAP and server.has_bubblewrap):
                assert held(server, layer, list(report.layers))[name], name
    finally:
        server.close()


def test_a_bubblewrap_that_has_no_effect_is_found_out(tmp_path, monkeypatch):
    """A wrapper of that name that only runs what comes after its options."""
    idle = tmp_path / "bwrap"
    skip = f'while [ "$1" != {sys.executable} ]; do shift; done'
    idle.write_text(f'#!/bin/sh\n{skip}\nexec "$@"\n')
    idle.chmod(0o755)
    monkeypatch.setattr(tiers, "find_bubblewrap", lambda: str(idle))
    monkeypatch.setattr(fork_server, "find_bubblewrap", lambda: str(idle))
    report = tiers.inspect()
    assert report.tier in ("B", None)
    assert not any(result.held for result in report.trials if result.name in OUTER)


@pytest.mark.parametrize("effect", ["", "without namespaces"])
def test_behind_a_bubblewrap_that_hides_libraries_honest_programs_still_work(
    tmp_path, monkeypatch, effect
):
    """It shows too little: there the layers hold, and no program could import anything."""
    if not can_use_namespaces():
        pytest.skip("bwrap is not installed or does not work here")
    numpy = Path(find_spec("numpy").origin).parent
    drop = "--unshare-*|--as-pid-1) continue;;" if effect else ""
    wrapper = tmp_path / "bwrap"
    wrapper.write_text(
        f"""#!/bin/bash
for word in "$@"; do
    case "$word" in {drop} {sys.executable}) line+=(--tmpfs {numpy});; esac
    line+=("$word")
done
exec {shutil.which("bwrap")} "${{line[@]}}"
"""
    )
    wrapper.chmod(0o755)
    monkeypatch.setattr(tiers, "find_bubblewrap", lambda: str(wrapper))
    monkeypatch.setattr(fork_server, "find_bubblewrap", lambda: str(wrapper))
    server, report = tiers.start_server()
    assert server and report.tier == "B" and "numpy" in report.missing
    [result] = [
        r for r in tiers.try_layer(server, jail.BUBBLEWRAP, report.layers) if r.name == LIBRARIES
    ]
    server.close()
    assert result.held, result.detail


def test_a_bubblewrap_that_does_not_work_is_left_out_and_the_reason_kept(tmp_path, monkeypatch):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho No permissions to create a new namespace >&2; exit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(tiers, "find_bubblewrap", lambda: str(broken))
    monkeypatch.setattr(fork_server, "find_bubblewrap", lambda: str(broken))
    report = tiers.inspect()
    assert report.tier in ("B", None) and "No permissions to create" in report.missing


def test_a_layer_that_the_kernel_lacks_lowers_the_tier_or_refuses(monkeypatch):
    """As on a kernel without Landlock, or where the filter is accepted and does nothing."""
    for missing, tier in ((jail.LANDLOCK, {"C", None}), (jail.SECCOMP, {None})):
        monkeypatch.setattr(tiers, "try_layer", _without(missing, tiers.try_layer))
        server, report = tiers.start_server()
        monkeypatch.undo()
        assert report.tier in tier and missing not in report.layers
        assert (server is None) == (report.tier is None)
        if server:
            server.close()


def _without(missing, try_layer):
    def try_all_but_one(server, layer, applied):
        return try_layer(server, layer, [name for name in applied if name != missing])

    return try_all_but_one
