"""Let a CPU answer as a GPU would, so that honest host code written for one runs here.

A part of the program in `kernel_interpreter.py`. Programs say `assert x.is_cuda`, allocate with
`device="cuda"` and ask how many multiprocessors there are. All tensors stay in this process's
memory; what the watch sees of torch has its devices put right by `on_cpu`.
"""

import contextlib
import types
from typing import Any

import torch

from rft_core.sandbox.programs.kernel_loading import GPU, PROPERTIES
from rft_core.sandbox.programs.kernel_memory import TENSOR


def pretend() -> None:
    """From here on in this process."""
    properties = types.SimpleNamespace(
        name="CPU", major=9, minor=0, warp_size=PROPERTIES["warpSize"], total_memory=80 << 30,
        multi_processor_count=PROPERTIES["multiprocessor_count"],
    )  # fmt: skip
    for name, value in {
        "_lazy_init": None, "is_available": True, "device_count": 1, "current_device": 0,
        "synchronize": None, "get_device_properties": properties,
        "get_device_capability": (9, 0), "get_device_name": "CPU",
    }.items():  # fmt: skip
        setattr(torch.cuda, name, always(value))
    for name in ("device", "device_of"):
        setattr(torch.cuda, name, lambda *_: contextlib.nullcontext())
    for name, value in {
        "is_cuda": property(always(True)), "device": property(always(GPU)),
        "get_device": always(0), "cuda": lambda self, *_, **__: self, "to": to,
    }.items():  # fmt: skip
        setattr(torch.Tensor, name, value)


def always(value: Any) -> Any:
    return lambda *_, **__: value


def to(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Tensor.to, for which every tensor is on the right device already."""
    args = tuple(arg for arg in args if not is_device(arg))
    kwargs = {name: value for name, value in kwargs.items() if name != "device"}
    return TENSOR.to(self, *args, **kwargs) if args or kwargs else self


def is_device(value: Any) -> bool:
    return isinstance(value, torch.device) or (
        isinstance(value, str) and value.partition(":")[0] in ("cuda", "cpu")
    )


def on_cpu(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of an operation, none of which may ask for a device that is not here."""
    return kwargs | {"device": torch.device("cpu")} if kwargs.get("device") else kwargs
