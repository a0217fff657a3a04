"""Import, in a fork server's process, what its children would each wait for: seconds, once.

torch gets one thread, because a fork copies only the thread that forks. Triton runs or compiles one
small kernel, because half of its imports and all of LLVM's tables come with the first use.
"""

import linecache
import os
from typing import Any

from rft_core.sandbox.server_kind import ServerKind

PRELOADED = """bisect collections copy dataclasses datetime decimal fractions functools heapq
    itertools math operator random re statistics string typing"""
GPU = ("cuda", 90, 32)  # compiled for, not needed: backend, compute capability 9.0, threads a warp
KERNEL_FILE = "warm_up_kernel.py"
KERNEL = """
import triton
import triton.language as tl

@triton.jit
def double(x_pointer, y_pointer, length, BLOCK: tl.constexpr):
    offsets = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = offsets < length
    x = tl.load(x_pointer + offsets, mask=inside, other=0.0)
    tl.store(y_pointer + offsets, x * 2.0, mask=inside)
"""


def warm_up(kind: ServerKind) -> None:
    for name in PRELOADED.split():
        __import__(name)
    if kind in (ServerKind.PYTHON, ServerKind.GRADERS):
        return
    import torch

    torch.set_num_threads(1)
    kernel = _define_kernel()
    if kind is ServerKind.INTERPRETER:
        x, y = torch.ones(8), torch.empty(8)
        kernel[(2,)](x, y, 8, BLOCK=4)
    else:
        _compile(kernel)
    if (threads := len(os.listdir("/proc/self/task"))) != 1:  # noqa: PTH208
        raise RuntimeError(f"{threads} threads are running, so a fork would not be safe")


def _define_kernel() -> Any:
    # Triton reads a kernel's source again, by file name and line.
    lines = KERNEL.splitlines(keepends=True)
    linecache.cache[KERNEL_FILE] = (len(KERNEL), None, lines, KERNEL_FILE)
    namespace: dict[str, Any] = {"__name__": "warm_up_kernel"}
    exec(compile(KERNEL, KERNEL_FILE, "exec"), namespace)  # noqa: S102 -- our own text, above
    return namespace["double"]


def _compile(kernel: Any) -> None:
    """As far as PTX: what comes after is another program's work (ptxas), and slow."""
    from triton._C.libtriton import ir
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource, make_backend

    target = GPUTarget(*GPU)
    backend = make_backend(target)
    signature = {"x_pointer": "*fp32", "y_pointer": "*fp32", "length": "i32", "BLOCK": "constexpr"}
    source = ASTSource(kernel, signature, {(3,): 64})
    options = backend.parse_options({})
    context = ir.context()
    ir.load_dialects(context)
    backend.load_dialects(context)
    code = backend.get_codegen_implementation(options)
    module = source.make_ir(target, options, code, backend.get_module_map(), context)
    stages: dict[str, Any] = {}
    backend.add_stages(stages, options, source.language)
    metadata = {"target": target, **options.__dict__}
    for name in ("ttir", "ttgir", "llir", "ptx"):
        module = stages[name](module, metadata)
