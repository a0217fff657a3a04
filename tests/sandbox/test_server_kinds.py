"""What each kind of fork server has ready: torch, Triton's interpreter, Triton's compiler."""

import importlib.util
import sys
from pathlib import Path

import pytest

from rft_core.sandbox.fork_server import PACKAGE, ForkServer
from rft_core.sandbox.outcome import Outcome
from rft_core.sandbox.server_kind import ServerKind, choose_kind, list_slow_imports
from tests.sandbox.programs import RewardDoor, run

KERNEL = """
import torch, triton
import triton.language as tl

@triton.jit
def add(x, y, out, n, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out + i, tl.load(x + i, mask=i < n) + tl.load(y + i, mask=i < n), mask=i < n)
"""
LAUNCH = """
x, out = torch.arange(100.0), torch.full((100,), float("nan"))
add[(4,)](x, x, out, 100, BLOCK=32)
answer = bool((out == 2 * x).all())
"""
COMPILE = """
import triton.backends.nvidia.compiler as backend
from triton.backends.compiler import GPUTarget
backend.CUDABackend.hash = lambda self: ""  # these two would start ptxas, and may not
backend.CUDABackend.make_cubin = lambda self, *rest: b""
types = {"x": "*fp32", "y": "*fp32", "out": "*fp32", "n": "i32", "BLOCK": "constexpr"}
source = triton.compiler.ASTSource(add, types, {(4,): 64})
compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"ptx_version": 87})
answer = "ld.global" in compiled.asm["ptx"]
"""


def test_a_server_need_not_compile_itself(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compiled = Path(importlib.util.cache_from_source(str(PACKAGE / "inside" / "server_process.py")))
    compiled.unlink(missing_ok=True)
    ForkServer(bubblewrap=False).close()
    assert compiled.exists()


def test_torch_and_triton_are_there_before_the_candidate_asks():
    source = 'import sys; answer = sorted({"numpy", "torch", "triton"} & set(sys.modules))'
    for kind in ServerKind:
        has_torch = kind in (ServerKind.INTERPRETER, ServerKind.COMPILER)
        assert run(source, kind=kind).value == (["numpy", "torch", "triton"] if has_torch else [])


def test_the_interpreter_runs_kernels_on_this_processor():
    reply = run(KERNEL + LAUNCH, kind=ServerKind.INTERPRETER)
    assert (reply.outcome, reply.value, reply.blocked) == (Outcome.OK, True, ()), reply.detail


def test_the_compiler_compiles_and_keeps_its_cache_to_itself():
    source = KERNEL + COMPILE + "import os; answer = answer and os.listdir('.') == ['.triton']"
    for _ in range(2):  # the second process finds nothing that the first one left
        reply = run(source, kind=ServerKind.COMPILER)
        assert (reply.outcome, reply.value) == (Outcome.OK, True), reply.detail


def test_the_compiler_does_not_run_kernels_nor_the_interpreter_compile():
    assert run(KERNEL + LAUNCH, kind=ServerKind.COMPILER).outcome is not Outcome.OK
    assert run(KERNEL + COMPILE, kind=ServerKind.INTERPRETER).outcome is not Outcome.OK


def test_an_endless_compilation_ends_at_its_deadline():
    source = KERNEL.replace(
        "    tl.store", "    for k in tl.static_range(100000): i = i + k * n\n    tl.store"
    )
    reply = run(source + COMPILE, timeout=1.0, kind=ServerKind.COMPILER)
    assert reply.outcome is Outcome.TIMEOUT and reply.seconds < 3


def test_torch_has_one_thread_everywhere():
    for kind in (ServerKind.INTERPRETER, ServerKind.COMPILER):
        source = "import torch, os; x = torch.ones(800, 800) @ torch.ones(800, 800)\n"
        source += "answer = [torch.get_num_threads(), len(os.listdir('/proc/self/task'))]"
        assert run(source, kind=kind).value == [1, 1]


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("import math", ServerKind.PYTHON),
        ("x = 'import torch'", ServerKind.PYTHON),
        ("import torch", ServerKind.INTERPRETER),
        ("def f():\n    import torch.nn.functional as F", ServerKind.INTERPRETER),
        ("from triton import language", ServerKind.INTERPRETER),
        ("from . import torch", ServerKind.PYTHON),
        ("import torchvision_like", ServerKind.PYTHON),
        ("import torch (", ServerKind.PYTHON),
        ("x = '\0'", ServerKind.PYTHON),
        ("(" * 10_000, ServerKind.PYTHON),
    ],
)
def test_a_source_that_imports_torch_gets_the_server_that_has_it(source, kind):
    assert choose_kind(source) is kind


def test_a_reward_that_imports_torch_imports_nothing():
    """Its process has torch before its source is loaded, so nothing of it is waited for."""
    source = (
        "import sys\nbefore = len(sys.modules)\nimport torch\nafter = len(sys.modules)\n"
        "def f(completions): return [float(after - before)] * len(completions)"
    )
    with RewardDoor() as door:
        result = door.call(source, "f", {"completions": ["x"]}, 20)
    assert result.values == [0.0], result.failure


def test_libraries_are_found_in_a_source_and_pythons_own_are_not():
    source = "import os, torch.nn\nfrom pandas import DataFrame\ndef f():\n    import json, numpy\n"
    assert sorted(list_slow_imports(source)) == ["numpy", "pandas", "torch.nn"]
    assert list_slow_imports("x = 'import torch'") == []
