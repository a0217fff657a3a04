"""The form of a Triton completion: fractional credit for seven things, all seen in the syntax tree.

Tags, imports, a kernel, a launch, nothing but Triton, masks, initialised output: each earns 1/7, as
in Predibase's reward ("fractional credit assigned to each formatting criterion"). Comments and
strings earn nothing, nor does a thing that is only absent: an empty kernel has no unmasked load,
and no credit for it. Masks are paid by the share of accesses that have one. `torch.empty` earns
half of its part: it is right if the kernel writes every element, which the form cannot show.

Without exactly one block, or with code that is no Python, the rest cannot be read and earns 0.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from rft_core.rewards.contract import Grade
from rft_core.rewards.grader_info import GraderInfo
from rft_core.rewards.text.format import has_visible_text
from rft_core.rewards.triton.reading import allowed, find_violations
from rft_core.rewards.triton.source import CLOSE, ENTRY, KernelSource, find_code, read_code
from rft_core.types import Row

TRITON, LANGUAGE = "triton", "triton.language"
BLOCK_MAKERS = ("triton.language.arange", "triton.language.make_block_ptr")
LOAD, STORE, ATOMIC = f"{LANGUAGE}.load", f"{LANGUAGE}.store", f"{LANGUAGE}.atomic_"
FOREIGN = ("torch_computation", "python_in_kernel", "torch_compile", "inline_assembly")

Credit = tuple[float, str]  # from 0 to 1, and what is missing


def grade_triton_format(completion: str, row: Row) -> Grade:
    """From 0 to 1: the share of the seven criteria that are met, and in words what is not."""
    found = find_code(completion)
    if found.problem:
        return Grade(0.0, found.problem, found.flags)
    if not has_visible_text(found.code):
        return Grade(0.0, "The block is empty.")
    tags = _check_tags(completion)
    source = read_code(found.code)
    if source.problem:
        credits = [tags, (0.0, source.problem)]
    else:
        credits = [tags, *(check(source, row) for check in CRITERIA.values())]
    missing = " ".join(words for _, words in credits if words)
    score = sum(earned for earned, _ in credits) / (1 + len(CRITERIA))
    return Grade(score, missing or "All seven criteria are met.")


def _check_tags(completion: str) -> Credit:
    if completion.partition(CLOSE)[2].strip():
        return 0.0, f"There is text after {CLOSE}."
    return 1.0, ""


def _check_imports(source: KernelSource, row: Row) -> Credit:
    names = set(source.imports.values())
    names |= {TRITON for name in names - {LANGUAGE} if name.startswith(f"{TRITON}.")}
    missing = {TRITON, LANGUAGE} - names
    return (0.0, f"It does not import {' and '.join(sorted(missing))}.") if missing else (1.0, "")


def _check_kernel(source: KernelSource, row: Row) -> Credit:
    if not source.kernels:
        return 0.0, "No function is decorated with @triton.jit."
    used = {source.resolve(call.func) == LOAD for _, call in _list_accesses(source)}
    if used != {True, False}:
        return 0.0, "No kernel loads and stores."
    return 1.0, ""


def _check_launch(source: KernelSource, row: Row) -> Credit:
    if not source.entry:
        return 0.0, f"It defines no function {ENTRY}."
    inputs = row.get("inputs")
    if isinstance(inputs, list) and not _takes(source.entry.args, len(inputs)):
        return 0.0, f"{ENTRY} does not take {len(inputs)} inputs."
    if not source.reachable & source.kernels.keys():
        return 0.0, f"{ENTRY} launches no kernel."
    return 1.0, ""


def _check_foreign(source: KernelSource, row: Row) -> Credit:
    if not source.kernels:
        return 0.0, ""  # said already
    found = [one for one in find_violations(source, row) if one.flag in FOREIGN]
    return (0.0, f"Not only Triton computes. {found[0]}") if found else (1.0, "")


def _check_masks(source: KernelSource, row: Row) -> Credit:
    accesses = _list_accesses(source)
    blocks = {name: _list_blocks(source, kernel) for name, kernel in source.kernels.items()}
    unmasked = [call for name, call in accesses if not _is_masked(source, call, blocks[name])]
    if not accesses:
        return 0.0, ""
    if unmasked:
        lines = ", ".join(str(call.lineno) for call in unmasked)
        return 1 - len(unmasked) / len(accesses), f"Load or store without a mask: line {lines}."
    return 1.0, ""


def _check_buffers(source: KernelSource, row: Row) -> Credit:
    hosts = [source.hosts[name] for name in source.reachable & source.hosts.keys()]
    names = {_allocation(source, node) for host in hosts for node in ast.walk(host)}
    names.discard("")
    if not names:
        return 0.0, "It allocates no output with torch.zeros or torch.full."
    if any("empty" in name for name in names):
        return 0.5, "torch.empty leaves the output uninitialised: half for it."
    return 1.0, ""


CRITERIA: Mapping[str, Callable[[KernelSource, Row], Credit]] = {
    "imports": _check_imports,
    "kernel": _check_kernel,
    "launch": _check_launch,
    "only Triton": _check_foreign,
    "masks": _check_masks,
    "initialised output": _check_buffers,
}


def _allocation(source: KernelSource, node: ast.AST) -> str:
    """The word by which a call allocates a tensor, else ""."""
    if not isinstance(node, ast.Call):
        return ""
    dotted = source.resolve(node.func)
    if dotted in allowed.ALLOCATIONS:
        return dotted
    attribute = node.func.attr if isinstance(node.func, ast.Attribute) and not dotted else ""
    return attribute if attribute in allowed.NEW_TENSORS | {"clone"} else ""


def _takes(inputs: ast.arguments, count: int) -> bool:
    most = len(inputs.posonlyargs) + len(inputs.args)
    least = most - len(inputs.defaults)
    return least <= count and (count <= most or bool(inputs.vararg))


def _list_accesses(source: KernelSource) -> list[tuple[str, ast.Call]]:
    """The loads and stores of all kernels, each with its kernel's name."""
    return [
        (name, node)
        for name, kernel in source.kernels.items()
        for node in ast.walk(kernel)
        if isinstance(node, ast.Call) and _is_access(source.resolve(node.func))
    ]


def _is_access(dotted: str) -> bool:
    return dotted in (LOAD, STORE) or dotted.startswith(ATOMIC)


def _is_masked(source: KernelSource, call: ast.Call, blocks: set[str]) -> bool:
    """Whether an access is safe: masked, checked at the bounds, or of one single element."""
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    place = 1 if source.resolve(call.func) == LOAD else 2
    mask = named.get("mask", call.args[place] if len(call.args) > place else None)
    if mask is not None and not isinstance(mask, ast.Constant):
        return True
    if "boundary_check" in named:
        return True
    pointer = call.args[0] if call.args else named.get("pointer")
    return pointer is not None and not _list_names(source, pointer) & blocks


def _list_blocks(source: KernelSource, kernel: ast.FunctionDef) -> set[str]:
    """The names for many elements at once: made with tl.arange, be it through other names."""
    makes: dict[str, set[str]] = {}
    for node in ast.walk(kernel):
        if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and node.value:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = {n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)}
            for name in _list_names(source, node.value):
                makes.setdefault(name, set()).update(names)
    found, left = set(BLOCK_MAKERS), list(BLOCK_MAKERS)
    while left:
        new = makes.get(left.pop(), set()) - found
        found |= new
        left += new
    return found


def _list_names(source: KernelSource, value: ast.expr) -> set[str]:
    """The local names in an expression, and the full ones of Triton's functions."""
    names = {n.id for n in ast.walk(value) if isinstance(n, ast.Name)}
    return names | {source.resolve(node) for node in ast.walk(value)}


TRITON_FORMAT = GraderInfo(
    "triton_format",
    grade_triton_format,
    "Share of seven things: tags, imports, kernel, launch, only Triton, masks, initialised output.",
)
