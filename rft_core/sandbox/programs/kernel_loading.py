"""Load a candidate's source, for the programs that run or compile its kernels.

A part of `kernel_interpreter.py` and `kernel_compiler.py`. The shortened list of builtins is no
wall: the jail is. It only makes tricks fail that the static rules let through.
"""

import builtins
import sys
import types
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget

from rft_core.sandbox.programs.candidate_code import compile_candidate

IMPORTABLE = {"torch", "triton", "math", "numpy", "typing", "itertools", "__future__"}
GPU = torch.device("cuda", 0)  # where programs are to think they run
TARGET = GPUTarget("cuda", 90, 32)  # backend, compute capability 9.0, threads a warp
PROPERTIES = {
    "multiprocessor_count": 4,  # few, so that programs which loop over blocks do loop
    "max_shared_mem": 227 << 10, "max_num_regs": 65536, "warpSize": 32,
    "sm_clock_rate": 1_980_000, "mem_clock_rate": 2_619_000, "mem_bus_width": 5120,
}  # fmt: skip
NOTES = ("getLogger", "warn", "debug", "error", "info", "warning")
FORBIDDEN = {
    *("eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "dir"),
    *("getattr", "setattr", "delattr", "hasattr", "id", "hash", "memoryview", "help"),
}


def load(code: str, *, guarded: bool = True) -> dict[str, Any]:
    """The names that the source defines; raises whatever it raises."""
    # Without this, to ask for the device raises: there is none.
    driver: Any = types.SimpleNamespace(
        get_active_torch_device=lambda: GPU,
        get_current_device=lambda: 0,
        get_current_target=lambda: TARGET,
        utils=types.SimpleNamespace(get_device_properties=lambda device=0: dict(PROPERTIES)),
    )
    triton.runtime.driver.set_active(driver)
    module = types.ModuleType("candidate")
    if guarded:
        allowed = {name: b for name, b in vars(builtins).items() if name not in FORBIDDEN}
        module.__dict__["__builtins__"] = {**allowed, "__import__": guarded_import}
    exec(compile_candidate(code), module.__dict__)  # noqa: S102 -- the whole point
    return module.__dict__


def guarded_import(name: str, *rest: Any, **keywords: Any) -> Any:
    """Torch, Triton and what they need; else a stand-in, in which nothing does anything."""
    if name.partition(".")[0] in IMPORTABLE:
        return builtins.__import__(name, *rest, **keywords)
    if name.partition(".")[0] not in sys.stdlib_module_names:
        raise ImportError(f"'{name}' must not be imported")
    stand_in = types.ModuleType(name)
    for word in (*NOTES, *((rest[2] if len(rest) > 2 else None) or ())):
        setattr(stand_in, word, leave_note)
    return stand_in


def leave_note(*_: Any, **__: Any) -> types.SimpleNamespace:
    """For `logging.getLogger(...)` and what a logger is told: nobody reads it."""
    return types.SimpleNamespace(**dict.fromkeys(NOTES, leave_note))
