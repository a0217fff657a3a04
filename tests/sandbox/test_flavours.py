"""What each kind of fork server has ready: torch, Triton's interpreter, Triton's compiler."""

import importlib.util
import statistics
import sys
import time
from pathlib import Path

import pytest

from rft_core.sandbox.executor import Executor
from rft_core.sandbox.flavours import Flavour, choose_flavour
from rft_core.sandbox.fork_server import PACKAGE, ForkServer
from rft_core.sandbox.local import LocalProvider
from rft_core.sandbox.provider import Outcome, Program

HARNESS = """
import linecache, sys

def run(source):
    imported = sorted({"numpy", "torch", "triton"} & set(sys.modules))
    linecache.cache[CANDIDATE] = (len(source), None, source.splitlines(keepends=True), CANDIDATE)
    scope = {"__name__": "candidate", "imported": imported}
    exec(compile(source, CANDIDATE, "exec"), scope)
    return scope["answer"]
"""
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


@pytest.fixture(scope="module")
def provider():
    provider = LocalProvider()
    yield provider
    provider.close()


def test_a_server_need_not_compile_itself(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    compiled = Path(importlib.util.cache_from_source(str(PACKAGE / "inside" / "zygote.py")))
    compiled.unlink(missing_ok=True)
    ForkServer(bubblewrap=False).close()
    assert compiled.exists()


def run(provider, flavour, source, timeout=20.0):
    with provider.open(Program(flavour, HARNESS)) as session:
        return session.call("run", {"source": source}, timeout)


def test_torch_and_triton_are_there_before_the_candidate_asks(provider):
    for flavour in Flavour:
        expected = [] if flavour is Flavour.PYTHON else ["numpy", "torch", "triton"]
        assert run(provider, flavour, "answer = imported").value == expected


def test_the_interpreter_runs_kernels_on_this_processor(provider):
    reply = run(provider, Flavour.INTERPRETER, KERNEL + LAUNCH)
    assert (reply.outcome, reply.value, reply.blocked) == (Outcome.OK, True, ()), reply.detail


def test_the_compiler_compiles_and_keeps_its_cache_to_itself(provider):
    source = KERNEL + COMPILE + "import os; answer = answer and os.listdir('.') == ['.triton']"
    for _ in range(2):  # the second process finds nothing that the first one left
        reply = run(provider, Flavour.COMPILER, source)
        assert (reply.outcome, reply.value) == (Outcome.OK, True), reply.detail


def test_the_compiler_does_not_run_kernels_nor_the_interpreter_compile(provider):
    assert run(provider, Flavour.COMPILER, KERNEL + LAUNCH).outcome is not Outcome.OK
    assert run(provider, Flavour.INTERPRETER, KERNEL + COMPILE).outcome is not Outcome.OK


def test_an_endless_compilation_ends_at_its_deadline(provider):
    source = KERNEL.replace(
        "    tl.store", "    for k in tl.static_range(100000): i = i + k * n\n    tl.store"
    )
    reply = run(provider, Flavour.COMPILER, source + COMPILE, timeout=1.0)
    assert reply.outcome is Outcome.TIMEOUT and reply.seconds < 3


def test_torch_has_one_thread_everywhere(provider):
    for flavour in (Flavour.INTERPRETER, Flavour.COMPILER):
        source = "import torch, os; x = torch.ones(800, 800) @ torch.ones(800, 800)\n"
        source += "answer = [torch.get_num_threads(), len(os.listdir('/proc/self/task'))]"
        assert run(provider, flavour, source).value == [1, 1]


@pytest.mark.parametrize(
    ("source", "flavour"),
    [
        ("import math", Flavour.PYTHON),
        ("x = 'import torch'", Flavour.PYTHON),
        ("import torch", Flavour.INTERPRETER),
        ("def f():\n    import torch.nn.functional as F", Flavour.INTERPRETER),
        ("from triton import language", Flavour.INTERPRETER),
        ("from . import torch", Flavour.PYTHON),
        ("import torchvision_like", Flavour.PYTHON),
        ("import torch (", Flavour.PYTHON),
        ("x = '\0'", Flavour.PYTHON),
        ("(" * 10_000, Flavour.PYTHON),
    ],
)
def test_a_source_that_imports_torch_gets_the_server_that_has_it(source, flavour):
    assert choose_flavour(source) is flavour


def test_a_reward_that_imports_torch_starts_at_once():
    source = "import torch\ndef f(completions): return [float(torch.ones(1))] * len(completions)"
    keywords = {"completions": ["x"], "global_step": None}
    with Executor() as executor:
        executor.load("import torch", 60)  # starts the server
        seconds = []
        for number in range(3):
            start = time.monotonic()
            result = executor.call(f"{source}  # {number}", "f", keywords, 20)
            seconds.append(time.monotonic() - start)
            assert result.values == [1.0], result.failure
    assert statistics.median(seconds) < 0.5  # 0.02 on an idle machine; importing takes 1.2
