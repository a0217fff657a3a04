"""See what a candidate's host code asks of torch, and run its kernels in the interpreter.

A part of the program in `kernel_interpreter.py`. Torch may make memory, views and copies; of every
other operation the name is noted. Kernels run as Triton's interpreter runs them, but one launch
costs a tenth, since the language is patched once and not at every launch, the programs of a grid
run in an order of no meaning, and every address is checked first.
"""

import inspect
from typing import Any

import numpy as np
import torch
import triton.language as tl
from torch.utils._python_dispatch import TorchDispatchMode
from triton.runtime import interpreter, jit

from rft_core.sandbox.programs.kernel_device import on_cpu
from rft_core.sandbox.programs.kernel_memory import TENSOR, Memory

MOST_PROGRAMS, MOST_CONFIGS, MOST_TURNS = 4096, 16, 1024
OPTIONS = {"num_warps", "num_stages", "num_ctas", "maxnreg", "debug", "enable_fp_fusion"}
EMPTY = {f"aten::{name}" for name in (
    "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided",
)}  # fmt: skip
CONSTANT = {f"aten::{name}" for name in (
    "zeros", "zeros_like", "new_zeros", "ones", "ones_like", "new_ones", "full", "full_like",
    "new_full", "zero_", "lift_fresh", "promote_types", "scalar_tensor",
)}  # fmt: skip
ORDER = np.random.default_rng(0)
COPIES = {"aten::clone", "aten::_to_copy", "aten::copy_", "aten::fill_"}


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees torch's operations while it is entered, and every launch. One for each candidate."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.launches: dict[str, dict[str, Any]] = {}
        self.asleep = False
        self.begin(0, [])

    def begin(self, turn: int, inputs: list[Any]) -> None:
        """A fresh run; `turn` chooses among the configurations of autotuned kernels.

        `prepared`: the tensors that kernels which do nothing were given, inputs aside. `copied`:
        how many launches stored nothing but what stood in another of their tensors, in its order.
        """
        self.memory, self.turn = Memory(inputs), turn
        self.prepared: list[Any] = []
        self.launched, self.failed, self.copied = 0, 0, 0
        self.computed: set[str] = set()
        self.spied: set[str] = set()

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operation imports torch.compile's 800 modules, in 1.6 s

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name
        result = func(*args, **on_cpu(kwargs or {}))
        if name in EMPTY:
            self.poison(result)
        elif name in COPIES:
            target = result if name in ("aten::clone", "aten::_to_copy") else args[0]
            source = args[1] if name in ("aten::copy_", "aten::fill_") else args[0]
            if isinstance(source, torch.Tensor):
                self.memory.copy(source, target)
                if changes_values(source, target):
                    self.computed.add("rounding to whole numbers")
        elif name not in CONSTANT and not func.is_view and name != "aten::_unsafe_view":
            self.computed.add(name.removeprefix("aten::").strip("_"))
        return result

    def poison(self, tensor: Any) -> None:
        """What was never written must not be an answer, in either of the two runs."""
        if tensor.is_floating_point() or tensor.is_complex():
            tensor.fill_(float("nan"))
        elif tensor.dtype is torch.bool:
            tensor.fill_(self.asleep)
        else:
            tensor.fill_(77 if self.asleep else 99)

    def launch(self, kernel: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Run a kernel's programs one after the other, or none of them when asleep."""
        grid = kwargs.pop("grid")
        if kwargs.pop("warmup"):
            return
        self.launched += 1
        try:
            self._launch(kernel, grid, bind(kernel, args, kwargs), kwargs)
        except BaseException:
            self.failed += 1  # the host may catch it, and the answer may come from elsewhere
            raise

    def _launch(self, kernel: Any, grid: Any, values: dict[str, Any], kwargs: Any) -> None:
        for name, value in values.items():
            if isinstance(value, torch.Tensor) and type(value) is not torch.Tensor:
                raise TypeError(f"the argument '{name}' is a subclass of torch.Tensor")
        constants = constants_of(kernel)
        record = describe_launch(kernel, values, constants, kwargs)
        self.launches.setdefault(repr(record), record)
        tensors = [value for value in values.values() if isinstance(value, torch.Tensor)]
        if self.asleep:
            self.prepared += [tensor for tensor in tensors if not self.memory.is_input(tensor)]
            return
        sizes, function = grid_sizes(grid, values), rewritten(kernel)
        arguments = {
            name: value if name in constants else to_interpreter(value)
            for name, value in values.items()
        }
        self.memory.begin_launch(tensors)
        builder = interpreter.interpreter_builder
        builder.set_grid_dim(*sizes)
        places = list(np.ndindex(*sizes))
        for number in ORDER.permutation(len(places)):
            builder.set_grid_idx(*places[number])
            self.memory.begin_program(int(number) + 1)
            function(**arguments)
        self.copied += self.memory.has_only_copied(tensors)

    def tune(self, tuner: Any, args: Any, kwargs: dict[str, Any]) -> None:
        """Run one configuration, another one in each test, and take note of all."""
        if len(tuner.configs) > MOST_CONFIGS:
            raise ValueError(f"{len(tuner.configs)} configurations, more than {MOST_CONFIGS}")
        tuner.nargs = dict(zip(tuner.arg_names, args, strict=False))
        configs, awake = prune(tuner, kwargs), not self.asleep
        chosen = configs[self.turn % len(configs)]
        for config in sorted(configs, key=lambda config: config is chosen):
            self.asleep = not (awake and config is chosen)
            if not self.asleep:
                tuner.pre_hook({**tuner.nargs, **kwargs, **config.all_kwargs()}, reset_only=True)
            tuner.fn.run(*args, **kwargs, **config.all_kwargs())
        self.asleep = not awake


def prune(tuner: Any, kwargs: dict[str, Any]) -> list[Any]:
    """The configurations that the program's own early pruning leaves; a ranking leaves them all."""
    if tuner.early_config_prune is None:
        return list(tuner.configs)
    kept = tuner.early_config_prune(list(tuner.configs), tuner.nargs, **kwargs)
    configs = [config for config in tuner.configs if any(config is one for one in kept)]
    if not configs:
        raise ValueError("early_config_prune leaves no configuration")
    return configs


def changes_values(source: Any, target: Any) -> bool:
    """Whether a conversion to whole numbers or bools gave other ones: then it computed."""
    if target.is_floating_point() or target.is_complex():
        return False
    return bool((TENSOR.to(target, source.dtype) != source).any())


def few_turns(static_range: Any) -> Any:
    """The interpreter's, but refusing what the compiler would take minutes to unroll."""

    def limited(*bounds: Any, **named: Any) -> Any:
        turns = static_range(*bounds, **named)
        if len(turns) > MOST_TURNS:
            raise ValueError(f"static_range({len(turns):,}): at most {MOST_TURNS:,} turns may be")
        return turns

    return limited


def bind(kernel: Any, args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The kernel's arguments by name; raises TypeError as a launch on a GPU would."""
    unknown = kwargs.keys() - set(kernel.arg_names) - OPTIONS
    if unknown:
        raise TypeError(f"{kernel.__name__}() has no argument named '{min(unknown)}'")
    own = {name: value for name, value in kwargs.items() if name in kernel.arg_names}
    bound = inspect.signature(kernel.fn).bind(*args, **own)
    bound.apply_defaults()
    return bound.arguments


def constants_of(kernel: Any) -> set[str]:
    notes = kernel.fn.__annotations__
    return {name for name, note in notes.items() if jit._normalize_ty(note) == "constexpr"}


def describe_launch(
    kernel: Any, values: dict[str, Any], constants: set[str], kwargs: dict[str, Any]
) -> dict[str, Any]:
    """What the compiler must know: types, constants, options."""
    constants = constants | {name for name, value in values.items() if value is None}
    return {
        "kernel": kernel.__name__,
        "line": kernel.fn.__code__.co_firstlineno,
        "signature": {
            name: "constexpr" if name in constants else jit.mangle_type(value)
            for name, value in values.items()
        },
        "constants": {name: describe_constant(values[name]) for name in sorted(constants)},
        "options": {name: value for name, value in kwargs.items() if name in OPTIONS},
    }


def describe_constant(value: Any) -> dict[str, Any]:
    if isinstance(value, tl.constexpr):
        value = value.value
    if isinstance(value, tl.dtype):
        return {"dtype": value.name}
    if isinstance(value, interpreter.InterpretedFunction):
        return {"kernel": value.__name__, "line": value.fn.__code__.co_firstlineno}
    if value is None or type(value) in (bool, int, float, str):
        return {"value": value}
    raise TypeError(f"a constexpr cannot be of type {type(value).__name__} here")


def grid_sizes(grid: Any, values: dict[str, Any]) -> tuple[int, int, int]:
    sizes = tuple(grid(values) if callable(grid) else grid)
    if not 1 <= len(sizes) <= 3 or any(type(size) is not int for size in sizes):
        raise TypeError(f"the grid must be one to three whole numbers, not {sizes!r:.100}")
    if int(np.prod([max(0, size) for size in sizes])) > MOST_PROGRAMS:
        raise ValueError(f"a grid of {sizes} programs; at most {MOST_PROGRAMS} are run here")
    return (*sizes, *(1,) * (3 - len(sizes)))


def to_interpreter(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return interpreter._implicit_cvt(value)
    kind = tl.str_to_ty(jit.mangle_type(value), None)
    address = np.array([TENSOR.data_ptr(value)], dtype=np.uint64)
    return tl.tensor(interpreter.TensorHandle(address, kind), kind)


def rewritten(kernel: Any) -> Any:
    """The function as the interpreter wants it, and none of what that leaves in its module."""
    namespace = kernel.fn.__globals__
    before = set(namespace)
    function = kernel.rewrite()
    for name in set(namespace) - before - {"interpreter_semantic"}:
        del namespace[name]
    return function
