"""Which names of a user's source are reward functions, found without running it.

Whatever a trainer could be given counts, if its name is public: a function that takes `completions`
(or any keyword), as TRL calls it; one that takes `solution_str`, as verl calls `compute_score`; a
class whose `__call__` does, where it can be made without arguments; and names that are bound to an
instance, a lambda, a `partial`, what a function of the source makes, or one of `trl.rewards`. A
literal list `reward_funcs = [...]` says it all by itself. Not seen: what is defined within an `if`,
and functions that are imported from elsewhere and not listed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

# function: can be called with completions; class, factory: what it gives when called can.
Kind = Literal["function", "class", "factory"]
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
LISTS = ("REWARD_FUNCS", "reward_funcs")  # TRL's argument
ONE_EACH = ("solution_str", "solution_strs")  # verl's
OF_TRL = "trl.rewards"


@dataclass
class _Names:
    """What is known so far of a source's top level, by name, in the order of definition."""

    kinds: dict[str, Kind]
    plain: list[str]  # functions that are written out
    parts: set[str]  # of other callables: no reward functions by themselves
    imported: set[str]
    needy: set[str]  # classes that cannot be made without arguments


def list_reward_functions(tree: ast.Module) -> tuple[str, ...]:
    """Their names, in the order of the source, or as its `reward_funcs` lists them."""
    names = _read_names(tree)
    if listed := _read_list(tree, names):
        return tuple(listed)
    return tuple(name for name in names.kinds if _is_reward_function(name, names))


def find_other_callables(source: str) -> dict[str, str]:
    """Why each of the source's reward functions that is no plain function of TRL's kind is none."""
    tree = ast.parse(source)
    names = _read_names(tree)
    verl = {node.name for node in _functions(tree.body) if _takes(node.args, ONE_EACH)}
    found = dict.fromkeys(verl, "it is called as verl calls it, one completion at a time")
    for name in list_reward_functions(tree):
        if name not in names.plain:
            found[name] = "it is a class or another callable, and no plain function"
    return found


def _is_reward_function(name: str, names: _Names) -> bool:
    is_public = name[0] != "_" and name not in names.parts
    if names.kinds[name] == "class":
        return is_public and name not in names.needy
    return is_public and names.kinds[name] == "function"


def _read_names(tree: ast.Module) -> _Names:
    names = _Names({}, [], set(), set(), set())
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                _add_function(node, names)
            case ast.ClassDef():
                _add_class(node, names)
            case ast.ImportFrom(module=module) if module and module.startswith(OF_TRL):
                _add_imported(node, names)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                _add_bound(name, value, names)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                _add_bound(name, value, names)
    return names


def _add_function(node: FunctionNode, names: _Names) -> None:
    if _returns_function(node, names):
        names.kinds[node.name] = "factory"
    elif _takes_completions(node.args):
        names.kinds[node.name] = "function"
        names.plain.append(node.name)


def _add_class(node: ast.ClassDef, names: _Names) -> None:
    methods = {method.name: method for method in _functions(node.body)}
    bases = [base.id for base in node.bases if isinstance(base, ast.Name)]
    call, init = methods.get("__call__"), methods.get("__init__")
    inherited = [base for base in bases if names.kinds.get(base) == "class"]
    if not (_takes_completions(call.args) if call else inherited):
        return
    names.kinds[node.name] = "class"
    names.parts |= set(inherited)
    if (
        _needs_arguments(init.args)
        if init
        else (_has_needed_fields(node) or any(base in names.needy for base in inherited))
    ):
        names.needy.add(node.name)


def _add_imported(node: ast.ImportFrom, names: _Names) -> None:
    """TRL's own: functions, and those that make one (`get_soft_overlong_punishment`)."""
    for alias in node.names:
        name = alias.asname or alias.name
        names.kinds[name] = "factory" if alias.name.startswith("get_") else "function"
        names.imported.add(name)


def _add_bound(name: str, value: ast.expr, names: _Names) -> None:
    if not _gives_function(value, names):
        return
    names.kinds.setdefault(name, "function")
    if isinstance(value, ast.Call):  # a class or a function that stands in it is a part of it
        names.parts |= {part.id for part in (value.func, *value.args) if isinstance(part, ast.Name)}
    elif isinstance(value, ast.Name) and value.id[0] != "_":
        names.parts.add(name)  # the same under another name


def _gives_function(value: ast.expr | None, names: _Names) -> bool:
    """Whether the expression's value can be called with completions."""
    match value:
        case ast.Lambda(args=arguments):
            return _takes_completions(arguments)
        case ast.Name(id=name):
            return names.kinds.get(name) == "function"
        case ast.Call(
            func=ast.Name(id="partial") | ast.Attribute(attr="partial"), args=[first, *_]
        ):
            return _gives_function(first, names)
        case ast.Call(func=ast.Name(id=name)):
            return names.kinds.get(name) in ("class", "factory")
    return False


def _returns_function(node: FunctionNode, names: _Names) -> bool:
    """Whether it makes a reward function: it returns one that is defined in it, or an instance."""
    inside = _read_names(ast.Module(node.body, []))
    known = _Names({**names.kinds, **inside.kinds}, [], set(), set(), set())
    own = set(inside.kinds)
    for part in ast.walk(node):
        if not isinstance(part, ast.Return):
            continue
        is_foreign_name = isinstance(part.value, ast.Name) and part.value.id not in own
        if not is_foreign_name and _gives_function(part.value, known):
            return True
    return False


def _read_list(tree: ast.Module, names: _Names) -> list[str]:
    """The names in a literal `reward_funcs` of known functions; none where there is no such."""
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=target)], value=ast.List(elts=parts) | ast.Tuple(elts=parts)
            ) if target in LISTS:
                known = names.kinds.keys() | _list_imported(tree)
                listed = [part.id for part in parts if isinstance(part, ast.Name)]
                return [name for name in dict.fromkeys(listed) if name in known]
    return []


def _list_imported(tree: ast.Module) -> set[str]:
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def _functions(body: Sequence[ast.stmt]) -> Iterator[FunctionNode]:
    return (node for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _takes(arguments: ast.arguments, wanted: Sequence[str]) -> bool:
    named = {argument.arg for argument in (*arguments.args, *arguments.kwonlyargs)}
    return not named.isdisjoint(wanted)


def _takes_completions(arguments: ast.arguments) -> bool:
    takes_any = bool(arguments.kwarg) and not _takes(arguments, ["sample"])  # OpenAI's grade()
    return takes_any or _takes(arguments, ["completions", *ONE_EACH])


def _needs_arguments(arguments: ast.arguments) -> bool:
    """Besides `self`."""
    needed = len(arguments.posonlyargs) + len(arguments.args) - 1 - len(arguments.defaults)
    return needed > 0 or None in arguments.kw_defaults


def _has_needed_fields(node: ast.ClassDef) -> bool:
    """Of a dataclass: an annotation without a value."""
    is_dataclass = any("dataclass" in ast.unparse(each) for each in node.decorator_list)
    return is_dataclass and any(isinstance(n, ast.AnnAssign) and not n.value for n in node.body)
