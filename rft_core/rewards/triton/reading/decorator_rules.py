"""Which decorators and which module-level values a Triton program may have.

Both run when the code is loaded. Decorators are Triton's own with plain options (functions only as
`lambda`s of `@triton.heuristics`, which `host_rules.py` reads); values are numbers, types
and autotune configurations.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from rft_core.rewards.triton.reading import vocabulary as words
from rft_core.rewards.triton.source import (
    AUTOTUNE,
    HEURISTICS,
    JIT,
    Finding,
    KernelSource,
    decorator_name,
    get_root,
)

CONFIG = "triton.Config"
HOST_DECORATORS = ("torch.no_grad", "torch.inference_mode")
CACHES = ("cache", "lru_cache", "cached_property")


def check_decorators(source: KernelSource) -> Iterator[Finding]:
    """The findings in all decorators, those of inner functions among them."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef):
            is_kernel = source.kernels.get(node.name) is node
            for decorator in node.decorator_list:
                yield from _check_decorator(source, decorator, is_kernel)


def list_heuristics(source: KernelSource) -> Iterator[ast.Lambda]:
    """The functions that `@triton.heuristics` calls with a kernel's arguments."""
    for kernel in source.kernels.values():
        for decorator in kernel.decorator_list:
            if decorator_name(decorator, source.imports) == HEURISTICS:
                for node in ast.walk(decorator):
                    if isinstance(node, ast.Lambda):
                        yield node


def is_plain(  # noqa: PLR0911 – one case for each kind of value
    source: KernelSource, node: ast.expr, names: frozenset[str] = frozenset()
) -> bool:
    """Whether a value is made of numbers, texts, types and configurations. `names` are such."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) if name in names or name in source.constants:
            return True
        case ast.Name() | ast.Attribute():
            return source.resolve(node) in words.HOST_VALUES
        case ast.UnaryOp(_, operand):
            return is_plain(source, operand, names)
        case ast.BinOp(left, _, right):
            return is_plain(source, left, names) and is_plain(source, right, names)
        case ast.Tuple(elements) | ast.List(elements):
            return all(is_plain(source, element, names) for element in elements)
        case ast.Call(function, arguments, keywords) if source.resolve(function) == CONFIG:
            options = {keyword.arg for keyword in keywords} <= words.DECORATOR_OPTIONS[CONFIG]
            values = [*arguments, *(keyword.value for keyword in keywords)]
            return options and all(_is_plain_option(source, value, names) for value in values)
        case ast.Call(function, arguments, []) if (
            source.resolve(function) in words.NUMBER_FUNCTIONS
        ):
            return all(is_plain(source, argument, names) for argument in arguments)
        case ast.Call(ast.Name("range"), arguments, []):
            return all(is_plain(source, argument, names) for argument in arguments)
        case ast.ListComp(element, generators):
            loops = [is_plain(source, loop.iter, names) and not loop.ifs for loop in generators]
            targets = [n.id for loop in generators for n in ast.walk(loop.target)
                       if isinstance(n, ast.Name)]  # fmt: skip
            return all(loops) and is_plain(source, element, names | frozenset(targets))
        case ast.Dict(keys, values) if keys and not names:
            return all(key and is_plain(source, key) for key in keys) and all(
                is_plain(source, value) for value in values
            )
    return False


def _is_plain_option(source: KernelSource, node: ast.expr, names: frozenset[str]) -> bool:
    """Also a dict of texts to plain values: {"BLOCK": 128}."""
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if isinstance(key, ast.Constant)]
        values = [is_plain(source, value, names) for value in node.values]
        return len(keys) == len(node.keys) and all(values)
    return is_plain(source, node, names)


def _check_decorator(
    source: KernelSource, decorator: ast.expr, is_kernel: bool
) -> Iterator[Finding]:
    name = decorator_name(decorator, source.imports)
    line = decorator.lineno
    if source.is_unknown(get_root(decorator), ()):
        return
    if name in ((JIT, AUTOTUNE, HEURISTICS) if is_kernel else HOST_DECORATORS):
        if isinstance(decorator, ast.Call):
            yield from _check_options(source, decorator, name)
        return
    words_in_it = name.split(".") if name else [ast.unparse(decorator).split("(")[0]]
    if words_in_it[-1].rpartition(".")[2] in CACHES:
        yield Finding("cached_result", line, "The decorator keeps results between calls.")
    else:
        shown = name or words_in_it[0]
        yield Finding("forbidden_decorator", line, f"The decorator @{shown:.40} is not allowed.")


def _is_made_by_host(source: KernelSource, value: ast.expr) -> bool:
    """A call without arguments; what the function does is checked as all that is reached."""
    match value:
        case ast.Call(ast.Name(id=name), [], []):
            return name in source.hosts
    return False


def _check_options(source: KernelSource, call: ast.Call, name: str) -> Iterator[Finding]:
    allowed = words.DECORATOR_OPTIONS.get(name, frozenset())
    for keyword in call.keywords:
        if keyword.arg not in allowed:
            reason = f"The option {keyword.arg} of @{name} is not allowed."
            yield Finding("forbidden_decorator", keyword.value.lineno, reason)
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    for value in values:
        if name == HEURISTICS and isinstance(value, ast.Dict):
            allowed_here = all(isinstance(item, ast.Lambda) for item in value.values)
        else:
            allowed_here = is_plain(source, value) or _is_made_by_host(source, value)
        if not allowed_here:
            reason = f"{ast.unparse(value):.60} is no plain value for @{name}."
            yield Finding("forbidden_decorator", value.lineno, reason)
