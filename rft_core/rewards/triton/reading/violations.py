"""What is seen of a Triton program from its tree alone: whatever is not on the list is a violation.

The run sees most cheats by itself (`evidence.py`), and better. What is read here is what a run
cannot show: what happens before it is watched, or could blind who watches, and what fails without
being named. A program may hold imports, plain constants, kernels, and host functions of listed
words, so that an unknown trick fails. Each rule has a flag, and a cheat on file that needs it:

forbidden_import     any module but a few, or one inside a function: operator_module, star_import
dynamic_code         exec, getattr, private names: eval_of_text, builtins_by_dunder
monkey_patch         assigning attributes: cache_in_function_attribute, patched_allclose
class_definition     classes, but for autograd functions, whose methods are host functions:
                     lazy_tensor_subclass, matmul_by_class
cached_result        results kept by address or decorator: cache_by_decorator, cache_by_data_pointer
module_state         a module's value or a default that is not plain: kernel_replaced
not_allowed          code at import, calls in annotations, words off the list: code_at_import,
                     call_in_annotation, computes_in_hook, kernel_called_as_python
forbidden_decorator  any decorator but Triton's with plain options: compiled_by_decorator
torch_compile        torch.compile and torch.jit: torch_compile
rebinding            one name with two meanings, on which the lists rely: another_name_of_torch
unused_kernel        a kernel that nothing uses, not even a backward pass beside f:
                     unused_second_kernel
python_in_kernel     what Triton cannot compile, in a kernel: globals_in_kernel, import_in_kernel
inline_assembly      assembly inside a kernel: inline_assembly
torch_computation    a word of torch or numpy off the list, or an operator on what is surely a
                     tensor: gather_by_index, and the reward for the form, which has no run
try_except           `try`, for safety: the run sees a fallback only where the kernel fails in it

A mistake that must fail anyway (an unknown name, a missing decorator) is no violation.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import replace

from rft_core.rewards.triton.reading import allowed
from rft_core.rewards.triton.reading.host_rules import check_host
from rft_core.rewards.triton.reading.kernel_rules import check_kernel
from rft_core.rewards.triton.reading.module_rules import check_module
from rft_core.rewards.triton.source import (
    ENTRY,
    KernelSource,
    Violation,
    find_context,
    list_methods,
)
from rft_core.types import Row

MOST_VIOLATIONS = 20
FLAG_OF_STATEMENT: dict[type[ast.AST], tuple[str, str]] = {
    ast.Try: ("try_except", "try can hide a broken kernel behind a fallback."),
    ast.TryStar: ("try_except", "try can hide a broken kernel behind a fallback."),
    ast.ClassDef: ("class_definition", "Classes are not allowed."),
    ast.Global: ("module_state", "'global' keeps values between calls."),
    ast.Nonlocal: ("module_state", "'nonlocal' keeps values between calls."),
    ast.NamedExpr: ("not_allowed", "':=' is not allowed."),
    ast.AsyncFunctionDef: ("not_allowed", "Async functions are not allowed."),
    ast.Await: ("not_allowed", "Async functions are not allowed."),
    ast.Yield: ("not_allowed", "Generators are not allowed."),
    ast.YieldFrom: ("not_allowed", "Generators are not allowed."),
    ast.Match: ("not_allowed", "'match' is not allowed."),
}


def find_violations(source: KernelSource, row: Row) -> tuple[Violation, ...]:
    """All of them in the order of lines, the first of each kind and line. None without a tree."""
    if source.problem:
        return ()
    source = _decorate(source)
    found = [*_check_everywhere(source), *check_module(source), *_check_use(source)]
    for name in source.reachable:
        if host := source.hosts.get(name):
            found += check_host(source, row, host, host.body)
            continue
        kernel = source.kernels[name]
        parts = [part for one in kernel.decorator_list for part in ast.walk(one)]
        heuristics = [part for part in parts if isinstance(part, ast.Lambda)]
        found += [*check_kernel(source, kernel), *check_host(source, row, kernel, heuristics)]
    first = {(one.line, one.flag): one for one in reversed(found)}
    return tuple(first[place] for place in sorted(first))[:MOST_VIOLATIONS]


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


def _check_use(source: KernelSource) -> Iterator[Violation]:
    if not source.entry:  # a mistake, for nothing can be run; or a trick
        if ENTRY in {*source.imports, *source.constants}:
            yield Violation("not_allowed", 1, "f must be a function of the program itself.")
        return
    unused = source.kernels.keys() - source.used
    for name in unused if source.kernels.keys() & source.reachable else ():
        line = source.kernels[name].lineno
        yield Violation("unused_kernel", line, f"The kernel {name} is never used.")


def _check_everywhere(source: KernelSource) -> Iterator[Violation]:
    """What is not allowed in any place, be it reached or not."""
    bound = {node.id for node in source.nodes
             if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}  # fmt: skip
    bound |= {node.arg for node in source.nodes if isinstance(node, ast.arg)}
    usual = _list_names_of_loggers(source) | _list_parts_of_wrappers(source)
    for node in source.nodes:
        if id(node) in usual:
            continue
        if type(node) in FLAG_OF_STATEMENT and isinstance(node, ast.stmt | ast.expr):
            flag, reason = FLAG_OF_STATEMENT[type(node)]
            yield Violation(flag, node.lineno, reason)
        elif isinstance(node, ast.Name):
            yield from _check_word(node, bound)
        elif isinstance(node, ast.Attribute):
            yield from _check_attribute(source, node)


def _list_names_of_loggers(source: KernelSource) -> set[int]:
    """The `__name__` in `logging.getLogger(__name__)`."""
    return {
        id(value)
        for node in source.nodes
        if isinstance(node, ast.Call) and source.resolve(node.func) == allowed.GET_LOGGER
        for value in node.args
        if isinstance(value, ast.Name) and value.id == "__name__"
    }


def _list_parts_of_wrappers(source: KernelSource) -> set[int]:
    """The classes themselves, `@staticmethod`, and what is kept in `ctx`, anew in each call."""
    found: set[int] = set()
    for wrapper in source.wrappers.values():
        found.add(id(wrapper))
        for method in list_methods(wrapper):
            context = find_context(method)
            found |= set(map(id, method.decorator_list))
            found |= {
                id(node)
                for node in ast.walk(method)
                if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == context
                and not node.attr.startswith("_")
            }
    return found


def _check_word(node: ast.Name, bound: set[str]) -> Iterator[Violation]:
    name = node.id
    if name.startswith("__"):
        yield Violation("dynamic_code", node.lineno, f"{name} is not allowed.")
    elif name not in bound and hasattr(builtins, name) and name in allowed.TRICKS:
        yield Violation(allowed.TRICKS[name], node.lineno, f"{name}() is not allowed.")


def _check_attribute(source: KernelSource, node: ast.Attribute) -> Iterator[Violation]:
    if isinstance(node.ctx, ast.Store | ast.Del):
        reason = f"Assigning the attribute .{node.attr} changes what others see."
        yield Violation("monkey_patch", node.lineno, reason)
    elif node.attr in allowed.TRICK_ATTRIBUTES:
        flag = allowed.TRICK_ATTRIBUTES[node.attr]
        yield Violation(flag, node.lineno, f".{node.attr} is not allowed.")
    elif node.attr.startswith("_"):
        yield Violation("dynamic_code", node.lineno, f"The private .{node.attr} is not allowed.")
    else:
        dotted = source.resolve(node)
        if dotted.startswith(allowed.COMPILERS):
            yield Violation("torch_compile", node.lineno, f"{dotted} is not allowed.")
