"""The static layer of cheat detection: what a Triton program must not do, seen from its tree alone.

A program may hold imports, plain constants, kernels, and host functions that allocate, launch and
return: an allow-list, so that an unknown trick fails. Every finding has a stable flag:

torch_computation       the host computes: by function, method, operator or index, or by numpy
kernel_not_launched     `f` never launches a kernel
unused_kernel           one of several kernels is never used
result_not_from_kernel  `f` returns a tensor that no kernel was given
python_in_kernel        a kernel's body holds what Triton cannot compile
try_except              a fallback can hide a broken kernel
module_state            values that outlive a call: globals, mutable defaults, containers
cached_result           results kept by id, pointer or decorator
dynamic_code            exec, getattr and other ways around this list
torch_compile           torch.compile or torch.jit
inline_assembly         assembly inside a kernel
class_definition        classes, such as lazy tensor subclasses
monkey_patch            assigning attributes of modules or objects
forbidden_import        any module but torch, triton, math, typing and numpy (of which nothing may
                        be used), or one inside a function
forbidden_decorator     any decorator but Triton's
rebinding               one name with two meanings
not_allowed             anything else that is not on the list

A mistake that must fail anyway (an unknown name, a missing decorator) is no finding.
What cannot be seen statically (decoy launches, hard-coded outputs) is left to execution.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.reading.body_rules import check_kernel
from rft_core.rewards.triton.reading.decorator_rules import check_decorators, is_plain
from rft_core.rewards.triton.reading.host_rules import check_hosts
from rft_core.rewards.triton.source import ENTRY, Finding, KernelSource
from rft_core.types import Row

MOST_FINDINGS = 20
FLAG_OF_STATEMENT: dict[type[ast.AST], tuple[str, str]] = {
    ast.Try: ("try_except", "try/except can hide a broken kernel behind a fallback."),
    ast.TryStar: ("try_except", "try/except can hide a broken kernel behind a fallback."),
    ast.Global: ("module_state", "'global' keeps values between calls."),
    ast.Nonlocal: ("module_state", "'nonlocal' keeps values between calls."),
    ast.ClassDef: ("class_definition", "classes are not allowed."),
    ast.NamedExpr: ("not_allowed", "':=' is not allowed."),
    ast.AsyncFunctionDef: ("not_allowed", "async functions are not allowed."),
    ast.Yield: ("not_allowed", "generators are not allowed."),
    ast.YieldFrom: ("not_allowed", "generators are not allowed."),
    ast.Match: ("not_allowed", "'match' is not allowed."),
}


def find_violations(source: KernelSource, row: Row) -> tuple[Finding, ...]:
    """All findings in the order of lines, the first of each kind and line. None without a tree."""
    if source.problem:
        return ()
    source = _decorate(source)
    used = source.reachable
    findings = [
        *_check_everywhere(source),
        *_check_imports(source),
        *_check_module(source),
        *_check_names(source),
        *check_decorators(source),
        *_check_use(source, used),
    ]
    for name, kernel in source.kernels.items():
        if name in used:
            findings += check_kernel(source, kernel)
    findings += check_hosts(source, row, used)
    first = {(finding.line, finding.flag): finding for finding in reversed(findings)}
    return tuple(first[place] for place in sorted(first))[:MOST_FINDINGS]


def _decorate(source: KernelSource) -> KernelSource:
    """Functions that are launched count as kernels: to forget @triton.jit is only a mistake."""
    launched = {
        node.func.value.id
        for node in source.nodes
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Subscript)
        and isinstance(node.func.value, ast.Name)
    } & source.hosts.keys() - {ENTRY}
    if not launched:
        return source
    kernels = {**source.kernels, **{name: source.hosts[name] for name in launched}}
    hosts = {name: host for name, host in source.hosts.items() if name not in launched}
    return replace(source, kernels=kernels, hosts=hosts)


def _check_use(source: KernelSource, used: frozenset[str]) -> Iterator[Finding]:
    if not source.entry:  # a mistake, for nothing can be run; or a trick
        if ENTRY in {*source.imports, *source.constants}:
            yield Finding("not_allowed", 1, "f must be a function of the program itself.")
        return
    if not used & source.kernels.keys():
        reason = "f launches none of its kernels." if source.kernels else "f has no kernel at all."
        yield Finding("kernel_not_launched", source.entry.lineno, reason)
        return
    for name, kernel in source.kernels.items():
        if name not in used:
            yield Finding("unused_kernel", kernel.lineno, f"The kernel {name} is never used.")


def _check_everywhere(source: KernelSource) -> Iterator[Finding]:
    """What is not allowed in any place, be it reached or not."""
    bound = {node.id for node in source.nodes
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
    bound |= {node.arg for node in source.nodes if isinstance(node, ast.arg)}
    for node in source.nodes:
        if type(node) in FLAG_OF_STATEMENT and isinstance(node, ast.stmt | ast.expr):
            flag, reason = FLAG_OF_STATEMENT[type(node)]
            yield Finding(flag, node.lineno, reason[0].upper() + reason[1:])
        elif isinstance(node, ast.Name):
            yield from _check_word(node, bound)
        elif isinstance(node, ast.Attribute):
            yield from _check_attribute(source, node)
        elif isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from _check_inputs(source, node)


def _check_word(node: ast.Name, bound: set[str]) -> Iterator[Finding]:
    name = node.id
    if name.startswith("__"):
        yield Finding("dynamic_code", node.lineno, f"{name} is not allowed.")
    elif name not in bound and hasattr(builtins, name) and name in words.TRICKS:
        yield Finding(words.TRICKS[name], node.lineno, f"{name}() is not allowed.")


def _check_attribute(source: KernelSource, node: ast.Attribute) -> Iterator[Finding]:
    if isinstance(node.ctx, ast.Store | ast.Del):
        reason = f"Assigning the attribute .{node.attr} changes what others see."
        yield Finding("monkey_patch", node.lineno, reason)
    elif node.attr in words.TRICK_ATTRIBUTES:
        flag = words.TRICK_ATTRIBUTES[node.attr]
        yield Finding(flag, node.lineno, f".{node.attr} is not allowed.")
    elif node.attr.startswith("_"):
        yield Finding("dynamic_code", node.lineno, f"The private .{node.attr} is not allowed.")
    else:
        dotted = source.resolve(node)
        if dotted.startswith(words.COMPILERS):
            yield Finding("torch_compile", node.lineno, f"{dotted} is not allowed.")


def _check_inputs(
    source: KernelSource, function: ast.FunctionDef | ast.Lambda
) -> Iterator[Finding]:
    """Defaults and annotations run when the function is made: nothing in them may be called."""
    inputs = function.args
    for value in [*inputs.defaults, *filter(None, inputs.kw_defaults)]:
        if isinstance(function, ast.Lambda) and isinstance(value, ast.Name):
            continue  # a lambda is made anew in each call; `host_rules.py` follows the name
        if not is_plain(source, value) or isinstance(value, ast.List):
            reason = "A default that is no plain value can keep results between calls."
            yield Finding("module_state", value.lineno, reason)
    notes = [node.annotation for node in ast.walk(inputs) if isinstance(node, ast.arg)]
    for note in [*notes, getattr(function, "returns", None)]:
        for node in ast.walk(note) if note else ():
            if isinstance(node, ast.Call):
                yield Finding("not_allowed", node.lineno, "Annotations may not call anything.")


def _check_imports(source: KernelSource) -> Iterator[Finding]:
    top = set(map(id, source.tree.body))
    for node in source.nodes:
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            modules = ["*"] if "*" in names or node.level else [str(node.module)]
        else:
            continue
        for module in modules:
            if module not in words.IMPORTABLE | words.LIBRARIES:
                yield Finding("forbidden_import", node.lineno, f"It imports {module}.")
        if id(node) not in top:
            reason = "Imports belong at the top of the code."
            yield Finding("forbidden_import", node.lineno, reason)


def _check_module(source: KernelSource) -> Iterator[Finding]:
    """The module's own statements: what runs when the code is loaded."""
    for node in source.tree.body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.Pass():
                continue
            case ast.Expr(ast.Constant()):
                continue
            case ast.Assign(targets, value) if all(isinstance(t, ast.Name) for t in targets):
                allowed = is_plain(source, value)
            case ast.AnnAssign(ast.Name(), _, ast.expr() as value):
                allowed = is_plain(source, value)
            case _:
                reason = f"Code that runs when loaded ({type(node).__name__}) is not allowed."
                if type(node) not in FLAG_OF_STATEMENT:
                    yield Finding("not_allowed", node.lineno, reason)
                continue
        if not allowed:
            reason = "A module may only keep plain numbers and autotune configurations."
            yield Finding("module_state", node.lineno, reason)


def _check_names(source: KernelSource) -> Iterator[Finding]:
    """One name, one meaning: the other rules rely on it."""
    tops = [node.name for node in source.tree.body if isinstance(node, ast.FunctionDef)]
    tops += list(source.constants) + list(source.imports)
    names = Counter(tops)
    for name, count in names.items():
        if count > 1:
            yield Finding("rebinding", 1, f"The name {name} is defined {count} times.")
    taken = {*source.kernels, *source.hosts, *source.imports}
    top = set(map(id, source.tree.body))
    for node in source.nodes:
        match node:
            case ast.arg(arg=name) if name in taken:
                yield Finding("rebinding", node.lineno, f"The argument {name} hides {name}.")
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in taken:
                yield Finding("rebinding", node.lineno, f"{name} is given a second meaning.")
            case ast.FunctionDef(name=name) if name in taken and id(node) not in top:
                yield Finding("rebinding", node.lineno, f"The inner function {name} hides {name}.")
