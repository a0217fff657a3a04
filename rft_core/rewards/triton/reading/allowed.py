"""The words that a Triton program may use: what is not listed here is not allowed.

Allow-lists age better than lists of tricks: a trick nobody thought of is not on them either. The
words are dotted names as imports resolve them, method names, and Python builtins.
"""

from __future__ import annotations

from collections.abc import Mapping

IMPORTABLE = frozenset((
    "__future__", "itertools", "logging", "math", "numpy", "torch", "torch.autograd",
    "torch.nn", "torch.nn.functional", "triton", "triton.language", "triton.language.extra",
    "triton.language.extra.cuda", "triton.language.math", "triton.runtime", "typing", "warnings",
))  # fmt: skip
UNUSED = frozenset((  # what people import out of habit: it must not be used; stand-ins are given
    "abc", "collections", "contextlib", "copy", "dataclasses", "enum", "functools", "inspect",
    "json", "operator", "os", "pathlib", "random", "re", "string", "sys", "time",
))  # fmt: skip

NUMBERS = frozenset(f"math.{word}" for word in ("pi", "e", "inf", "nan", "tau"))

# --- inside kernels -----------------------------------------------------------------------------

TYPES = frozenset((
    "int1", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16",
    "bfloat16", "float32", "float64", "float8e4nv", "float8e5", "float8e4b15", "dtype", "const",
    "constexpr", "pointer_type", "tensor", "void",
))  # fmt: skip
OPERATIONS = frozenset((
    "abs", "add", "advance", "arange", "argmax", "argmin", "associative_scan", "assume",
    "atomic_add", "atomic_and", "atomic_cas", "atomic_max", "atomic_min", "atomic_or",
    "atomic_xchg", "atomic_xor", "broadcast", "broadcast_to", "cast", "cat", "cdiv", "ceil",
    "clamp", "cos", "cumprod", "cumsum", "debug_barrier", "device_assert", "device_print",
    "div_rn", "dot", "dot_scaled", "erf", "exp", "exp2", "expand_dims", "fdiv", "flip", "floor",
    "fma", "full", "gather", "histogram", "interleave", "join", "load", "load_tensor_descriptor",
    "log", "log2", "make_block_ptr", "make_tensor_descriptor", "max", "max_constancy",
    "max_contiguous", "maximum", "min", "minimum", "mul", "multiple_of", "num_programs",
    "permute", "philox", "program_id", "rand", "rand4x", "randint", "randint4x", "randn",
    "randn4x", "range", "ravel", "reduce", "reduce_or", "reshape", "rsqrt", "sigmoid", "sin",
    "softmax", "sort", "split", "sqrt", "sqrt_rn", "squeeze", "static_assert", "static_print",
    "static_range", "store", "store_tensor_descriptor", "sub", "sum", "swizzle2d", "topk",
    "trans", "umulhi", "unsqueeze", "view", "where", "xor_sum", "zeros", "zeros_like",
    "PropagateNan",
))  # fmt: skip
MATHEMATICS = frozenset((
    "abs", "ceil", "cos", "div_rn", "erf", "exp", "exp2", "fdiv", "floor", "fma", "log", "log2",
    "rsqrt", "sin", "sqrt", "sqrt_rn", "umulhi",
))  # fmt: skip
KERNEL_NAMES = (
    frozenset(f"triton.language.{word}" for word in TYPES | OPERATIONS)
    | {f"triton.language.math.{word}" for word in MATHEMATICS}
    | {f"triton.language.PropagateNan.{word}" for word in ("ALL", "NONE")}
    | {"triton.cdiv", "triton.next_power_of_2"}
    | NUMBERS
)
INTERNALS = frozenset((  # what else triton.language has; a test compares
    "TRITON_MAX_TENSOR_NUMEL", "bitonic_merge", "block_type", "condition", "constexpr_type",
    "core", "extra", "float8e4b8", "float8e5b16", "inline_asm_elementwise", "map_elementwise",
    "math", "pair_uniform_to_normal", "philox_impl", "pi32_t", "random", "slice", "standard",
    "str_to_ty", "target_info", "tensor_descriptor", "tensor_descriptor_type", "to_tensor",
    "tuple", "tuple_type", "uint_to_uniform_float",
))  # fmt: skip
LIBRARIES = frozenset(("triton.language.extra.libdevice", "triton.language.extra.cuda.libdevice"))
KERNEL_ATTRIBUTES = frozenset((
    "T", "abs", "advance", "argmax", "argmin", "associative_scan", "broadcast_to", "cast", "cdiv",
    "ceil", "cos", "cumprod", "cumsum", "dtype", "element_ty", "erf", "exp", "exp2", "expand_dims",
    "flip", "floor", "gather", "histogram", "load", "log", "log2", "logical_and", "logical_or",
    "max", "min", "numel", "permute", "primitive_bitwidth", "ravel", "reduce", "reshape", "rsqrt",
    "shape", "sigmoid", "sin", "softmax", "sort", "split", "sqrt", "sqrt_rn", "store", "sum", "to",
    "trans", "type", "value", "view", "xor_sum", "is_floating", "is_fp16", "is_fp32", "is_bf16",
))  # fmt: skip
KERNEL_BUILTINS = frozenset(("range", "float", "int", "bool", "min", "max", "abs", "len"))

# --- on the host --------------------------------------------------------------------------------

FLOAT_TYPES = frozenset((
    "torch.float16", "torch.float32", "torch.float64", "torch.bfloat16", "torch.half",
    "torch.float", "torch.double",
))  # fmt: skip
WHOLE_TYPES = frozenset(
    f"torch.{word}"
    for word in ("bool", "int8", "int16", "int32", "int64", "uint8", "int", "long", "short")
)
HOST_VALUES = (
    FLOAT_TYPES
    | WHOLE_TYPES
    | {f"triton.language.{word}" for word in TYPES}
    | {f"torch.{word}" for word in (
        "Tensor", "Size", "dtype", "device", "contiguous_format", "strided", "preserve_format",
    )}
    | NUMBERS
    | {"torch.version.cuda", "torch.version.hip"}
    | {f"typing.{word}" for word in (
        "Any", "Callable", "Dict", "List", "Literal", "Optional", "Sequence", "Tuple", "Union",
    )}
)  # fmt: skip
ALLOCATIONS = frozenset(
    f"torch.{word}{like}" for word in ("empty", "zeros", "ones", "full") for like in ("", "_like")
) | {"torch.empty_strided"}
VIEW_FUNCTIONS = frozenset(
    f"torch.{word}" for word in (
        "broadcast_tensors", "broadcast_to", "flatten", "movedim", "narrow", "permute", "ravel",
        "reshape", "squeeze", "swapaxes", "t", "transpose", "unbind", "unsqueeze",
    )
)  # fmt: skip
FACT_FUNCTIONS = frozenset((  # of tensors or numbers, and the result is never a tensor's data
    "torch.cuda.current_device", "torch.cuda.device", "torch.cuda.device_count",
    "torch.cuda.get_device_capability", "torch.cuda.get_device_name",
    "torch.cuda.get_device_properties", "torch.cuda.is_available", "torch.cuda.synchronize",
    "torch.finfo", "torch.iinfo", "torch.inference_mode",
    "torch.is_floating_point", "torch.is_tensor", "torch.no_grad", "torch.numel",
    "torch.promote_types", "torch.result_type",
))  # fmt: skip
DEVICE_FUNCTIONS = frozenset(
    f"triton.runtime.driver.active.{word}" for word in (
        "get_active_torch_device", "get_current_device", "get_current_target",
        "utils.get_device_properties",
    )
)  # fmt: skip
NUMBER_FUNCTIONS = DEVICE_FUNCTIONS | frozenset((
    "itertools.product", "torch.broadcast_shapes", "torch.device", "torch.Size", "triton.cdiv",
    "triton.language.constexpr", "triton.next_power_of_2",
))  # fmt: skip
GET_LOGGER = "logging.getLogger"
NOTES = frozenset(("debug", "error", "info", "warning"))  # of a logger: stand-ins that do nothing
NOTE_FUNCTIONS = frozenset((GET_LOGGER, "warnings.warn", *(f"logging.{word}" for word in NOTES)))
MATH = "math."

FACTS = frozenset((  # attributes and methods of a tensor that say nothing of its data
    "device", "dim", "dtype", "element_size", "get_device", "is_contiguous", "is_cuda",
    "is_floating_point", "itemsize", "layout", "ndim", "ndimension", "nelement", "numel",
    "requires_grad", "shape", "size", "stride", "storage_offset",
))  # fmt: skip
VIEWS = frozenset((  # the same data in another order
    "T", "broadcast_to", "chunk", "expand", "expand_as", "mT", "movedim", "narrow", "permute",
    "select", "split", "squeeze", "swapaxes", "t", "transpose", "unbind", "unsqueeze",
))  # fmt: skip
RESHAPES = frozenset(("detach", "flatten", "ravel", "reshape", "reshape_as", "view", "view_as"))
COPIES = frozenset((
    "bfloat16", "clone", "contiguous", "cpu", "cuda", "double", "float", "half", "to", "type_as",
))  # fmt: skip
WHOLE_CASTS = frozenset(("bool", "byte", "char", "int", "long", "short"))
FILLS = frozenset(("fill_", "zero_"))  # with one number
NEW_TENSORS = frozenset(("new_empty", "new_full", "new_ones", "new_zeros", "new_empty_strided"))
PLAIN_ATTRIBUTES = FACTS | NOTES | frozenset((  # of sizes, types, devices, lists and numbers
    "arch", "backend", "bit_length", "bits", "endswith", "eps", "get", "index", "items", "keys",
    "kwargs", "lower", "major", "max", "min", "minor", "multi_processor_count", "name",
    "num_stages", "num_warps", "startswith", "tiny", "total_memory", "type", "values", "warp_size",
))  # fmt: skip
LIST_METHODS = frozenset((  # what is put in counts, and no tensor has them
    "append", "clear", "extend", "insert", "pop", "remove", "reverse",
))  # fmt: skip
CONTAINER_BUILTINS = frozenset(("enumerate", "isinstance", "len", "list", "reversed", "tuple",
                                "zip"))  # fmt: skip
NUMBER_BUILTINS = frozenset((
    "abs", "all", "any", "bool", "dict", "divmod", "float", "int", "max", "min", "pow", "print",
    "range", "round", "sorted", "str", "sum",
))  # fmt: skip
CLASS_BUILTINS = frozenset(("False", "None", "True", "AssertionError", "NotImplementedError",
                            "RuntimeError", "TypeError", "ValueError"))  # fmt: skip
HOST_BUILTINS = CONTAINER_BUILTINS | NUMBER_BUILTINS | CLASS_BUILTINS

HOST_NAMES = (
    HOST_VALUES
    | ALLOCATIONS
    | VIEW_FUNCTIONS
    | FACT_FUNCTIONS
    | NUMBER_FUNCTIONS
    | NOTE_FUNCTIONS
    | {"triton.Config", "triton.set_allocator"}
)
HOST_ATTRIBUTES = (
    PLAIN_ATTRIBUTES | LIST_METHODS | VIEWS | RESHAPES | COPIES | WHOLE_CASTS | FILLS | NEW_TENSORS
    | {"copy_"}
)  # fmt: skip

DECORATOR_OPTIONS: Mapping[str, frozenset[str]] = {
    "triton.jit": frozenset((
        "debug", "do_not_specialize", "do_not_specialize_on_alignment", "launch_metadata",
        "noinline", "repr",
    )),
    "triton.autotune": frozenset(
        ("configs", "key", "prune_configs_by", "rep", "reset_to_zero", "restore_value", "warmup")
    ),
    "triton.heuristics": frozenset(("values",)),
    "triton.Config": frozenset(
        ("kwargs", "num_ctas", "num_stages", "num_warps", "maxnreg")
    ),
}  # fmt: skip

HOOKS = frozenset(("launch_metadata", "repr"))  # options that take a function of the program
PRUNING = frozenset(("early_config_prune", "perf_model", "top_k"))  # what prune_configs_by may name

# --- words that give a trick its name -----------------------------------------------------------

TRICKS: Mapping[str, str] = {
    **dict.fromkeys(("id", "hash"), "cached_result"),
    **dict.fromkeys(
        ("exec", "eval", "compile", "getattr", "setattr", "delattr", "hasattr", "vars", "dir",
         "globals", "locals", "open", "input", "breakpoint", "type", "super", "object",
         "memoryview", "classmethod", "staticmethod", "property"), "dynamic_code",
    ),
}  # fmt: skip
TRICK_ATTRIBUTES: Mapping[str, str] = {
    **dict.fromkeys(("data_ptr", "untyped_storage", "storage"), "cached_result"),
    **dict.fromkeys(("inline_asm_elementwise",), "inline_assembly"),
}
ARRAYS = ("torch.", "numpy.")  # whatever else of these is not listed computes
COMPILERS = ("torch.compile", "torch.jit", "torch.fx")
