"""What a Triton program may do when it is loaded, before anything is watched.

It may import, make functions, decorate them with Triton's own decorators, and keep plain values:
numbers, texts, types and autotune configurations. Defaults, annotations and decorators run then,
too. Every name has one meaning, since the other rules go by names.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from rft_core.rewards.triton.reading import allowed
from rft_core.rewards.triton.source import (
    AUTOTUNE,
    HEURISTICS,
    JIT,
    KernelSource,
    Violation,
    decorator_name,
    get_root,
)

CONFIG = "triton.Config"
HOST_DECORATORS = ("torch.no_grad", "torch.inference_mode")
CACHES = ("cache", "lru_cache", "cached_property")


def check_module(source: KernelSource) -> Iterator[Violation]:
    """The violations in all that runs when the code is loaded, and in its names."""
    yield from _check_statements(source)
    yield from _check_imports(source)
    yield from _check_names(source)
    methods = {id(method) for wrapper in source.wrappers.values() for method in wrapper.body}
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.Lambda):
            yield from _check_inputs(source, node)
        if isinstance(node, ast.FunctionDef):
            is_kernel = source.kernels.get(node.name) is node
            if id(node) in methods:
                continue  # static, as all of an autograd function's
            for decorator in node.decorator_list:
                yield from _check_decorator(source, decorator, is_kernel)


def is_plain(  # noqa: PLR0911 – one case for each kind of value
    source: KernelSource, node: ast.expr, names: frozenset[str] = frozenset()
) -> bool:
    """Whether a value is made of numbers, texts, types and configurations. `names` are such."""
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name) if name in names or name in source.constants:
            return True
        case ast.Attribute(value, word) if not source.resolve(node):
            return word in allowed.PLAIN_ATTRIBUTES and is_plain(source, value, names)
        case ast.Name() | ast.Attribute():
            return source.resolve(node) in allowed.HOST_VALUES
        case ast.UnaryOp() | ast.BinOp() | ast.BoolOp() | ast.Compare() | ast.IfExp():
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
            return all(is_plain(source, part, names) for part in parts)
        case ast.Tuple(elements) | ast.List(elements):
            return all(is_plain(source, element, names) for element in elements)
        case ast.Subscript(value, ast.Constant()):
            return isinstance(value, ast.Name | ast.Call) and is_plain(source, value, names)
        case ast.Call():
            return _is_plain_call(source, node, names)
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


def _is_plain_call(source: KernelSource, node: ast.Call, names: frozenset[str]) -> bool:
    """A configuration, a logger, or a number that a listed function makes of plain values."""
    function = source.resolve(node.func)
    if function == CONFIG:
        options = {keyword.arg for keyword in node.keywords} <= allowed.DECORATOR_OPTIONS[CONFIG]
        values = [*node.args, *(keyword.value for keyword in node.keywords)]
        return options and all(_is_plain_option(source, value, names) for value in values)
    if function == allowed.GET_LOGGER:
        return all(isinstance(value, ast.Constant | ast.Name) for value in node.args)
    is_range = isinstance(node.func, ast.Name) and node.func.id == "range"
    is_listed = function in allowed.NUMBER_FUNCTIONS | allowed.FACT_FUNCTIONS
    arguments = all(is_plain(source, argument, names) for argument in node.args)
    return (is_range or is_listed) and not node.keywords and arguments


def _is_plain_option(source: KernelSource, node: ast.expr, names: frozenset[str]) -> bool:
    """Also a dict of texts to plain values: {"BLOCK": 128}."""
    if isinstance(node, ast.Dict):
        keys = [key for key in node.keys if isinstance(key, ast.Constant)]
        values = [is_plain(source, value, names) for value in node.values]
        return len(keys) == len(node.keys) and all(values)
    return is_plain(source, node, names)


def _check_decorator(
    source: KernelSource, decorator: ast.expr, is_kernel: bool
) -> Iterator[Violation]:
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
        yield Violation("cached_result", line, "The decorator keeps results between calls.")
    else:
        shown = name or words_in_it[0]
        yield Violation("forbidden_decorator", line, f"The decorator @{shown:.40} is not allowed.")


def _is_made_by_host(source: KernelSource, value: ast.expr) -> bool:
    """A call without arguments; what the function does is checked as all that is reached."""
    match value:
        case ast.Call(ast.Name(id=name), [], []):
            return name in source.hosts
    return False


def _is_function(source: KernelSource, value: ast.expr) -> bool:
    """One of the program's own; what it does is checked as all that is reached."""
    return isinstance(value, ast.Lambda) or (
        isinstance(value, ast.Name) and value.id in source.hosts
    )


def _is_pruning(source: KernelSource, value: ast.expr) -> bool:
    """{"early_config_prune": a function of the program, "top_k": a number}."""
    if not isinstance(value, ast.Dict):
        return False
    words = {key.value if isinstance(key, ast.Constant) else None for key in value.keys}
    parts = [_is_function(source, item) or is_plain(source, item) for item in value.values]
    return words <= allowed.PRUNING and all(parts)


def _check_options(source: KernelSource, call: ast.Call, name: str) -> Iterator[Violation]:
    options = allowed.DECORATOR_OPTIONS.get(name, frozenset())
    for keyword in call.keywords:
        if keyword.arg not in options:
            reason = f"The option {keyword.arg} of @{name} is not allowed."
            yield Violation("forbidden_decorator", keyword.value.lineno, reason)
    hooks = {keyword.value for keyword in call.keywords if keyword.arg in allowed.HOOKS}
    prunings = {keyword.value for keyword in call.keywords if keyword.arg == "prune_configs_by"}
    for value in [*call.args, *(keyword.value for keyword in call.keywords)]:
        if name == HEURISTICS and isinstance(value, ast.Dict):
            allowed_here = all(_is_function(source, item) for item in value.values)
        elif value in hooks:
            allowed_here = _is_function(source, value)
        elif value in prunings:
            allowed_here = _is_pruning(source, value)
        else:
            allowed_here = is_plain(source, value) or _is_made_by_host(source, value)
        if not allowed_here:
            reason = f"{ast.unparse(value):.60} is no plain value for @{name}."
            yield Violation("forbidden_decorator", value.lineno, reason)


def _check_inputs(
    source: KernelSource, function: ast.FunctionDef | ast.Lambda
) -> Iterator[Violation]:
    """Defaults and annotations run when the function is made: nothing in them may be called."""
    inputs = function.args
    for value in [*inputs.defaults, *filter(None, inputs.kw_defaults)]:
        if isinstance(function, ast.Lambda) and isinstance(value, ast.Name):
            continue  # a lambda is made anew in each call
        if not is_plain(source, value) or isinstance(value, ast.List):
            reason = "A default that is no plain value can keep results between calls."
            yield Violation("module_state", value.lineno, reason)
    notes = [node.annotation for node in ast.walk(inputs) if isinstance(node, ast.arg)]
    for note in [*notes, getattr(function, "returns", None)]:
        for node in ast.walk(note) if note else ():
            if isinstance(node, ast.Call):
                yield Violation("not_allowed", node.lineno, "Annotations may not call anything.")


def _check_imports(source: KernelSource) -> Iterator[Violation]:
    top = set(map(id, source.tree.body))
    used = {node.id for node in source.nodes if isinstance(node, ast.Name)}
    for node in source.nodes:
        if isinstance(node, ast.Import):
            named = [(a.name, a.asname or a.name.partition(".")[0]) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
            module = "*" if "*" in names or node.level else str(node.module)
            named = [(module, alias.asname or alias.name) for alias in node.names]
        else:
            continue
        for module, name in named:
            is_idle = module.partition(".")[0] in allowed.UNUSED and name not in used
            if not is_idle and module not in allowed.IMPORTABLE | allowed.LIBRARIES:
                yield Violation("forbidden_import", node.lineno, f"It imports {module}.")
        if id(node) not in top:
            reason = "Imports belong at the top of the code."
            yield Violation("forbidden_import", node.lineno, reason)


def _check_statements(source: KernelSource) -> Iterator[Violation]:
    """The module's own statements: what runs when the code is loaded."""
    for node in source.tree.body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.Pass():
                continue
            case ast.Expr(ast.Constant()):
                continue
            case ast.ClassDef(name=name) if source.wrappers.get(name) is node:
                continue
            case ast.Assign(targets, value) if all(isinstance(t, ast.Name) for t in targets):
                allowed = is_plain(source, value)
            case ast.AnnAssign(ast.Name(), _, ast.expr() as value):
                allowed = is_plain(source, value)
            case _:
                reason = f"Code that runs when loaded ({type(node).__name__}) is not allowed."
                yield Violation("not_allowed", node.lineno, reason)
                continue
        if not allowed:
            reason = "A module may only keep plain numbers and autotune configurations."
            yield Violation("module_state", node.lineno, reason)


def _check_names(source: KernelSource) -> Iterator[Violation]:
    """One name, one meaning: the other rules rely on it."""
    definitions = (ast.FunctionDef, ast.ClassDef)
    tops = [node.name for node in source.tree.body if isinstance(node, definitions)]
    tops += list(source.constants) + list(source.imports)
    names = Counter(tops)
    for name, count in names.items():
        if count > 1:
            yield Violation("rebinding", 1, f"The name {name} is defined {count} times.")
    taken = {*source.kernels, *source.hosts, *source.imports}
    top = set(map(id, source.tree.body))
    for node in source.nodes:
        match node:
            case ast.arg(arg=name) if name in taken:
                yield Violation("rebinding", node.lineno, f"The argument {name} hides {name}.")
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in taken:
                yield Violation("rebinding", node.lineno, f"{name} is given a second meaning.")
            case ast.FunctionDef(name=name) if name in taken and id(node) not in top:
                yield Violation(
                    "rebinding", node.lineno, f"The inner function {name} hides {name}."
                )
