"""Run a candidate's Triton kernels on CPU tensors, and tell what they and the host code did.

This text runs in jailed processes, beside the candidate: it returns data, holds no expected value
and decides no score. A run with kernels that do nothing follows the real ones. What is watched, and
how, stands in `kernel_watch.py` and `kernel_memory.py`.
"""

import contextlib
import math
import traceback
import warnings
from typing import Any

import numpy as np
import torch
import triton.language as tl
from triton.language import core  # noqa: F401 -- _patch_lang looks for it among our globals
from triton.language.extra import libdevice
from triton.runtime import autotuner, interpreter

from rft_core.sandbox.inside.jailed_worker import CANDIDATE
from rft_core.sandbox.programs.kernel_bfloat16 import install_bfloat16
from rft_core.sandbox.programs.kernel_device import pretend
from rft_core.sandbox.programs.kernel_loading import load
from rft_core.sandbox.programs.kernel_memory import TENSOR
from rft_core.sandbox.programs.kernel_reductions import reduce_by_halves, scan_by_doubling
from rft_core.sandbox.programs.kernel_watch import Watch, few_turns, rewritten

MOST_BYTES = 8 << 20  # of one result
MOST_PREPARED = 8
REUSED_TURN = 3  # this test's inputs lie where those of the test before lay
WAYS_AROUND = {  # the dispatcher does not see these
    **dict.fromkeys(("data_ptr", "untyped_storage", "storage", "_typed_storage"), "its address"),
    **dict.fromkeys(("tolist", "numpy", "__array__", "__dlpack__"), "its values in Python"),
}
SEVERAL = (tuple, list, *(kind for kind in vars(torch.return_types).values()
                          if isinstance(kind, type)))  # fmt: skip
LIBDEVICE = {
    **{name: getattr(np, name) for name in (
        "tanh", "sinh", "cosh", "tan", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p",
        "sqrt", "cbrt", "floor", "ceil", "trunc", "rint", "sin", "cos", "fmod",
    )},
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2, "pow": np.power,
    "abs": np.abs, "fast_expf": np.exp, "fast_logf": np.log, "fast_sinf": np.sin,
    "fast_cosf": np.cos, "fast_tanhf": np.tanh, "rsqrt": lambda x: 1 / np.sqrt(x),
    "erf": np.vectorize(math.erf),
}  # fmt: skip


def run_reference(code: str, tests: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """What the reference gives for each test: {"outputs", "changed"} or {"error"}."""
    function = find_entry(load(code, guarded=False))
    return [
        run(function, [make_tensor(one["values"], one["dtype"]) for one in inputs])[0]
        for inputs in tests
    ]


def examine(code: str, tests: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Every test with the candidate's kernels, then every test with kernels that do nothing.

    {"runs", "replays", "launches"}: what `observe` gives for each test, and every distinct launch.
    """
    watch = Watch()
    install(watch)
    pretend()
    function = find_entry(load(code))
    runs = observe_all(watch, function, tests)
    watch.asleep = True
    replays = observe_all(watch, function, tests)
    return {"runs": runs, "replays": replays, "launches": list(watch.launches.values())}


def observe_all(
    watch: Watch, function: Any, tests: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """A report for each test. Inputs are new tensors, but once they are old ones with new values.

    So an answer that is kept by the address, the shape or the identity of an input is a wrong one.
    """
    reports: list[dict[str, Any]] = []
    tensors: list[Any] = []
    for turn, inputs in enumerate(tests):
        fresh = [make_tensor(one["values"], one["dtype"]) for one in inputs]
        alike = [(t.shape, t.dtype) for t in tensors] == [(t.shape, t.dtype) for t in fresh]
        if turn == REUSED_TURN and alike:
            for tensor, values in zip(tensors, fresh, strict=True):
                tensor.copy_(values)
        else:
            tensors = fresh
        reports.append(observe(watch, function, tensors, turn))
    return reports


def observe(watch: Watch, function: Any, tensors: list[Any], turn: int) -> dict[str, Any]:
    """One call: what it returned or raised, and what was seen of it."""
    watch.begin(turn, tensors)
    report, outputs = run(function, tensors, watch)
    report["kernels"] = [share_of_kernels(watch, output) for output in outputs]
    return report | {
        "launched": watch.launched,
        "failed": watch.failed,
        "copied": watch.copied,
        "computed": sorted(watch.computed),
        "spied": sorted(watch.spied),
        "prepared": describe_prepared(watch.prepared),
    }


def share_of_kernels(watch: Watch, output: Any) -> list[Any]:
    """Which share of its elements a kernel wrote, and whether it holds copies of inputs."""
    if not is_plain(output):
        return [0.0, False]
    written = watch.memory.written_elements(output)
    return [float(written.mean()) if written.size else 1.0, watch.memory.is_foreign(output)]


def describe_prepared(tensors: list[Any]) -> list[dict[str, Any]]:
    """Those that could hold an answer, and not only what fresh memory is filled with."""
    described = [describe_tensor(tensor) for tensor in tensors]
    return [one for one in described if "values" in one and varies(one["values"])][:MOST_PREPARED]


def varies(array: Any) -> bool:
    return bool(array.size) and bool((array != array.flat[0]).any()) and not np.isnan(array).all()


def run(function: Any, tensors: list[Any], watch: Any = None) -> tuple[dict[str, Any], list[Any]]:
    """Call it: a report, and the objects returned."""
    before = [tensor.clone() for tensor in tensors]
    try:
        with watch or contextlib.nullcontext():
            result = function(*tensors)
    except BaseException as error:  # sys.exit() and KeyboardInterrupt are the candidate's too
        return {"error": describe(error)}, []
    outputs = list(result) if type(result) in SEVERAL else [result]
    changed = {
        index: describe_tensor(tensor)
        for index, (tensor, old) in enumerate(zip(tensors, before, strict=True))
        if not same_bytes(tensor, old)
    }
    described = [describe_tensor(output) for output in outputs]
    return {"error": "", "outputs": described, "changed": changed}, outputs


def make_tensor(values: Any, dtype: str) -> torch.Tensor:
    return TENSOR.to(torch.from_numpy(np.array(values)), getattr(torch, dtype)).clone()


def same_bytes(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool(to_array(one).tobytes() == to_array(other).tobytes())


def describe_tensor(value: Any) -> dict[str, Any]:
    """Its type by name, and its values; only a name in words for what is no plain tensor."""
    if type(value) is not torch.Tensor:
        return {"no_tensor": type.__dict__["__name__"].__get__(type(value))[:100]}
    if not is_plain(value):
        return {"no_tensor": f"tensor of {value.numel():,} elements, {value.layout}"}
    return {"dtype": str(value.dtype).removeprefix("torch."), "values": to_array(value)}


def is_plain(value: Any) -> bool:
    """Whether it is nothing but numbers in this process's memory, and not too many."""
    if type(value) is not torch.Tensor or value.layout is not torch.strided:
        return False
    return (
        TENSOR.device.__get__(value).type == "cpu"
        and value.numel() * value.element_size() <= MOST_BYTES
    )


def to_array(tensor: torch.Tensor) -> Any:
    """A copy as numpy's (of bfloat16 as float32), by methods that a candidate cannot replace."""
    plain = TENSOR.clone(TENSOR.detach(tensor))
    return TENSOR.numpy(TENSOR.float(plain) if plain.dtype is torch.bfloat16 else plain)


# --- the interpreter, prepared -------------------------------------------------------------------


def install(watch: Watch) -> None:
    """From here on every launch, load and store goes through the watch."""
    builder, kernel = interpreter.interpreter_builder, interpreter.InterpretedFunction
    kernel.run = lambda self, *args, **kwargs: watch.launch(self, args, kwargs)
    autotuner.Autotuner.run = lambda self, *args, **kwargs: watch.tune(self, args, kwargs)
    load_from, store_to = builder.create_masked_load, builder.create_masked_store
    update, exchange = builder.create_atomic_rmw, builder.create_atomic_cas

    def create_masked_load(pointers: Any, mask: Any, other: Any, *rest: Any, **named: Any) -> Any:
        watch.memory.locate(pointers, mask.data, "reads")
        if other is None and not mask.data.all() and pointers.data.size > 1:
            other = make_undefined(pointers)  # of one lane an `other` of 0 is left out on the way
        return load_from(pointers, mask, other, *rest, **named)

    def create_masked_store(pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        def differs() -> bool:
            old = load_from(pointers, mask, None, None, None, False).data
            inside = np.broadcast_to(mask.data, old.shape)
            new = np.broadcast_to(value.data, old.shape)
            return bool((old[inside] != new[inside]).any())

        watch.memory.store(pointers, mask.data, differs)
        return store_to(pointers, value, mask, *rest)

    def create_atomic_rmw(kind: Any, pointers: Any, value: Any, mask: Any, *rest: Any) -> Any:
        watch.memory.update(pointers, mask.data)
        return update(kind, pointers, value, mask, *rest)

    def create_atomic_cas(pointers: Any, *rest: Any) -> Any:
        watch.memory.update(pointers, True)
        return exchange(pointers, *rest)

    builder.create_masked_load, builder.create_masked_store = (
        create_masked_load,
        create_masked_store,
    )
    builder.create_atomic_rmw, builder.create_atomic_cas = create_atomic_rmw, create_atomic_cas
    for name in WAYS_AROUND:
        setattr(torch.Tensor, name, spied(watch, name))


def make_undefined(pointers: Any) -> Any:
    """What lanes hold that a mask keeps from being loaded, where the kernel does not say it.

    The interpreter's own would be 0, which makes sums right that are not on a GPU. Infinities and 0
    in turn make wrong whatever takes such lanes in; who stores or selects by the mask sees nothing.
    """
    kind = pointers.get_element_ty()
    dtype = interpreter._get_np_dtype(kind)
    if dtype.kind == "f":
        values = np.array([np.inf, -np.inf, 0], dtype)
    elif kind == tl.bfloat16:  # of which the interpreter keeps the bits
        values = np.array([0x7F80, 0xFF80, 0], dtype)
    else:
        values = np.array([np.iinfo(dtype).max, np.iinfo(dtype).min, 0], dtype)
    lanes = np.arange(pointers.data.size).reshape(pointers.data.shape)
    return interpreter.TensorHandle(values[lanes % len(values)], kind)


def spied(watch: Watch, name: str) -> Any:
    original = getattr(TENSOR, name, None) or getattr(torch.Tensor, name)

    def method(*args: Any, **kwargs: Any) -> Any:
        watch.spied.add(name)
        return original(*args, **kwargs)

    return method


def prepare() -> None:
    """Once, before any candidate: what the interpreter would do again at every launch."""
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    interpreter._patch_lang(prepare)  # it looks for `tl` among the function's globals
    interpreter.ReduceOps.generic_reduce = reduce_by_halves
    interpreter.ScanOps.generic_scan = scan_by_doubling
    install_bfloat16()
    tl.static_range = few_turns(tl.static_range)
    interpreter.InterpretedFunction.__call__ = lambda self, *args, **kwargs: rewritten(self)(
        *args, **kwargs
    )
    for value in list(vars(tl.standard).values()):
        if isinstance(value, interpreter.InterpretedFunction):
            value.rewrite()
    for name, function in LIBDEVICE.items():
        setattr(libdevice, name, by_numpy(function))


def by_numpy(function: Any) -> Any:
    """A function of the device's library: the compiler has it, the interpreter has not."""

    def call(*args: Any) -> Any:
        first = args[0]
        values = [arg.handle.data if isinstance(arg, tl.tensor) else arg for arg in args]
        result = np.asarray(function(*values), dtype=first.handle.data.dtype)
        return tl.tensor(interpreter.TensorHandle(result, first.dtype), first.type)

    return call


def find_entry(module: dict[str, Any]) -> Any:
    if not callable(function := module.get("f")):
        raise NameError("it defines no function named 'f'")
    return function


def describe(error: BaseException) -> str:
    """`ValueError: text (line 7)`, the line being the candidate's."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == CANDIDATE]
    text = " ".join(str(error).split())[:300]
    where = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {text}".rstrip(": ") + where


prepare()
