"""Compile a candidate's kernels as far as PTX, for a GPU that need not be here.

This text runs in jailed processes, beside the candidate; it returns what the compiler said and
decides no score. The types and constants come from launches that the interpreter saw. Of each
kernel the last launch, the largest, is compiled to PTX, and the others to Triton's own IR: that is
where what Triton does not know is refused, and it takes a tenth of the time. Assembling PTX is
another program's work (ptxas) and cannot reject anything of interest.
"""

import itertools
from typing import Any

from triton._C.libtriton import ir
from triton.compiler import ASTSource, code_generator, make_backend
from triton.compiler.errors import CompilationError
from triton.language import dtype
from triton.runtime.jit import JITFunction, get_jit_fn_file_line

from rft_core.sandbox.programs.kernel_device import pretend
from rft_core.sandbox.programs.kernel_loading import TARGET, load

BACKEND = make_backend(TARGET)
VISIT = code_generator.CodeGenerator.visit
MOST_VISITS = 12_000  # of nodes of the syntax tree; tl.sort() of 2,048 elements takes 7,500
PTX_VERSION = 87  # said, not asked of ptxas: nothing can be executed here
READS = ("tt.load ", "tt.descriptor_load ", "tt.descriptor_gather ", "tt.atomic_")
WRITES = ("tt.store ", "tt.descriptor_store ", "tt.descriptor_scatter ", "tt.atomic_")


def compile_launches(code: str, launches: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each launch {"error", "reads", "writes"}: what was wrong, and whether memory is used."""
    pretend()
    module = load(code)
    last = {launch["kernel"]: index for index, launch in enumerate(launches)}
    return [
        compile_launch(module, launch, to_ptx=last[launch["kernel"]] == index)
        for index, launch in enumerate(launches)
    ]


def compile_launch(
    module: dict[str, Any], launch: dict[str, Any], *, to_ptx: bool
) -> dict[str, Any]:
    kernel = None
    try:
        code_generator.CodeGenerator.visit = visit_within(MOST_VISITS)
        kernel = find_kernel(module, launch)
        constants = {name: to_constant(module, c) for name, c in launch["constants"].items()}
        source = ASTSource(kernel, launch["signature"], constants)
        options = BACKEND.parse_options({"ptx_version": PTX_VERSION, **launch["options"]})
        text = lower(source, options, to_ptx)
    except Exception as error:  # the compiler raises many kinds, some of them plain
        return {"error": describe(kernel, error), "reads": False, "writes": False}
    return {
        "error": "",
        "reads": any(word in text for word in READS),
        "writes": any(word in text for word in WRITES),
    }


def lower(source: ASTSource, options: Any, to_ptx: bool) -> str:
    """The text of Triton's IR, dead code removed. Raises where a later stage fails."""
    context = ir.context()
    ir.load_dialects(context)
    BACKEND.load_dialects(context)
    code = BACKEND.get_codegen_implementation(options)
    module = source.make_ir(TARGET, options, code, BACKEND.get_module_map(), context)
    stages: dict[str, Any] = {}
    BACKEND.add_stages(stages, options, source.language)
    metadata = {"target": TARGET, **vars(options)}
    module = stages["ttir"](module, metadata)
    text = str(module)
    for name in ("ttgir", "llir", "ptx") if to_ptx else ():
        module = stages[name](module, metadata)
    return text


def visit_within(budget: int) -> Any:
    """The compiler's walk over the syntax tree, ended where loops are unrolled without end."""
    visits = itertools.count()

    def visit(self: Any, node: Any) -> Any:
        if next(visits) > budget:
            raise ValueError(f"its loops unroll to more than {budget:,} operations")
        return VISIT(self, node)

    return visit


def find_kernel(module: dict[str, Any], wanted: dict[str, Any]) -> JITFunction:
    """The jit function of that name and line, out of its autotuner or heuristics if need be."""
    for value in module.values():
        kernel = value
        while not isinstance(kernel, JITFunction) and hasattr(kernel, "fn"):
            kernel = kernel.fn
        if not isinstance(kernel, JITFunction) or kernel.__name__ != wanted["kernel"]:
            continue
        if kernel.fn.__code__.co_firstlineno == wanted["line"]:
            return kernel
    raise NameError(f"there is no kernel named '{wanted['kernel']}'")


def to_constant(module: dict[str, Any], constant: dict[str, Any]) -> Any:
    if "dtype" in constant:
        return dtype(constant["dtype"])
    return find_kernel(module, constant) if "kernel" in constant else constant["value"]


def describe(kernel: JITFunction | None, error: BaseException) -> str:
    """What the compiler says at the end of showing code, with the line of the candidate's."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" ^")]
    text = f"{type(error).__name__}: {lines[-1][:300] if lines else ''}".rstrip(": ")
    node = error.node if isinstance(error, CompilationError) else None
    if kernel is None or node is None or not hasattr(node, "lineno"):
        return text
    return f"{text} (line {get_jit_fn_file_line(kernel)[1] + node.lineno - 1})"
