"""Load a candidate's source, for the programs that run or compile its kernels.

A part of `kernel_interpreter.py` and `kernel_compiler.py`. The shortened list of builtins is no
wall: the jail is. It only makes tricks fail that the static rules let through.
"""

import builtins
import types
from typing import Any

import torch
import triton

from rft_core.sandbox.programs.candidate_code import compile_candidate

IMPORTABLE = {"torch", "triton", "math", "numpy", "typing", "__future__"}
GPU = torch.device("cuda", 0)  # where programs are to think they run
FORBIDDEN = {
    *("eval", "exec", "compile", "open", "input", "breakpoint", "globals", "locals", "vars", "dir"),
    *("getattr", "setattr", "delattr", "hasattr", "id", "hash", "memoryview", "help"),
}


def load(code: str, *, guarded: bool = True) -> dict[str, Any]:
    """The names that the source defines; raises whatever it raises."""
    # Without this, to ask for the device raises: there is none.
    driver: Any = types.SimpleNamespace(get_active_torch_device=lambda: GPU)
    triton.runtime.driver.set_active(driver)
    module = types.ModuleType("candidate")
    if guarded:
        allowed = {name: b for name, b in vars(builtins).items() if name not in FORBIDDEN}
        module.__dict__["__builtins__"] = {**allowed, "__import__": guarded_import}
    exec(compile_candidate(code), module.__dict__)  # noqa: S102 -- the whole point
    return module.__dict__


def guarded_import(name: str, *rest: Any, **keywords: Any) -> Any:
    if name.partition(".")[0] not in IMPORTABLE:
        raise ImportError(f"'{name}' must not be imported")
    return builtins.__import__(name, *rest, **keywords)
