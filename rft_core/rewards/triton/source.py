"""Read a completion's Triton program without running it: its block, kernels, functions, imports.

Everything comes from the syntax tree, after the text's size is checked, so that comments and
strings count for nothing. Whether the program is good or honest is judged by others.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

OPEN, CLOSE = "<triton_code>", "</triton_code>"
LONGEST_COMPLETION = 200_000
LONGEST_CODE = 20_000  # characters; the longest honest kernels have a few thousand
DEEPEST_BRACKETS = 60
DEEPEST_TREE = 80  # honest kernels stay below 30; whoever walks the tree may recurse
ENTRY = "f"  # the function that the completion must define, as the reference does
AUTOGRAD = "torch.autograd.Function"
JIT, AUTOTUNE, HEURISTICS = "triton.jit", "triton.autotune", "triton.heuristics"


@dataclass(frozen=True)
class KernelSource:
    """A program in its pieces. With a `problem` (in words, for people) there is no tree.

    `kernels` are the functions decorated with `@triton.jit`, `hosts` the other top-level ones, and
    `constants` what else the module assigns, all by name. `imports` says what each imported name
    stands for: {"tl": "triton.language"}. `wrappers` are subclasses of torch.autograd.Function of
    static methods alone: their methods are hosts, `forward` by the name of the class.
    """

    code: str = ""
    tree: ast.Module = field(default_factory=lambda: ast.Module([], []))
    kernels: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    hosts: Mapping[str, ast.FunctionDef] = field(default_factory=dict)
    constants: Mapping[str, ast.expr] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    wrappers: Mapping[str, ast.ClassDef] = field(default_factory=dict)
    problem: str = ""
    flags: tuple[str, ...] = ()

    @property
    def entry(self) -> ast.FunctionDef | None:
        """The function `f`."""
        return self.hosts.get(ENTRY)

    @cached_property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Every node of the tree."""
        return tuple(ast.walk(self.tree))

    @cached_property
    def reachable(self) -> frozenset[str]:
        """The names of the functions that a call of `f` can reach, itself among them."""
        return self._reach([ENTRY] if self.entry else [])

    @cached_property
    def used(self) -> frozenset[str]:
        """The names of the functions that a call of any host function can reach."""
        return self._reach(list(self.hosts))

    def _reach(self, left: list[str]) -> frozenset[str]:
        functions = {**self.hosts, **self.kernels}
        found: set[str] = set()
        while left:
            found.add(name := left.pop())
            nodes = ast.walk(functions[name])
            names = {node.id for node in nodes if isinstance(node, ast.Name)}
            left += (names & functions.keys()) - found
        return frozenset(found)

    def is_unknown(self, name: str, local: Container[str]) -> bool:
        """Whether a name that is not `local` means nothing anywhere: using it raises NameError."""
        tops = (local, self.kernels, self.hosts, self.constants, self.imports)
        return bool(name) and not hasattr(builtins, name) and not any(name in top for top in tops)

    def resolve(self, node: ast.AST) -> str:
        """The dotted name an expression stands for ("triton.language.load"), or "" for others."""
        return resolve(node, self.imports)


@dataclass(frozen=True)
class Violation:
    """One thing that a program must not do: a stable flag, where, and a sentence for people."""

    flag: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.reason}"


def find_code(completion: str) -> KernelSource:
    """The code in the completion's only block, not yet parsed. One ``` fence inside is dropped."""
    if len(completion) > LONGEST_COMPLETION:
        return KernelSource(problem=f"The completion has {len(completion):,} characters, too many.")
    counts = completion.count(OPEN), completion.count(CLOSE)
    if max(counts) > 1:
        return KernelSource(
            problem=f"There are {max(counts)} {OPEN} blocks, not one.", flags=("repeated_tags",)
        )
    _, opened, rest = completion.partition(OPEN)
    code, closed, _ = rest.partition(CLOSE)
    if not opened or not closed:
        return KernelSource(problem=f"There is no {OPEN} … {CLOSE} block.")
    return KernelSource(code=_without_fence(code).strip() + "\n")


@lru_cache(maxsize=1024)  # the same completion is read by each grader of a reward set
def read_completion(completion: str) -> KernelSource:
    """The program in its pieces, or the problem that it cannot be read for."""
    found = find_code(completion)
    return found if found.problem else read_code(found.code)


def read_code(code: str) -> KernelSource:
    """The pieces of Python source that stands in no block."""
    tree = _parse(code)
    if isinstance(tree, str):
        return KernelSource(code=code, problem=tree)
    tree.body = [node for node in tree.body if not _is_for_scripts(node)]
    _name_entry(tree)
    imports = dict(_list_imports(tree))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    kernels = {node.name: node for node in functions if is_kernel(node, imports)}
    hosts = {node.name: node for node in functions if node.name not in kernels}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    wrappers = {node.name: node for node in classes if _is_wrapper(node, imports)}
    for name, wrapper in wrappers.items():
        methods = {node.name: node for node in list_methods(wrapper)}
        hosts |= {name if key == "forward" else f"{name}.{key}": m for key, m in methods.items()}
    constants = dict(_list_constants(tree))
    return KernelSource(code, tree, kernels, hosts, constants, imports, wrappers)


def list_methods(wrapper: ast.ClassDef) -> list[ast.FunctionDef]:
    return [node for node in wrapper.body if isinstance(node, ast.FunctionDef)]


def find_context(method: ast.FunctionDef) -> str:
    """What a wrapper's method calls its `ctx`, or "" where that name is given a second meaning."""
    name = method.args.args[0].arg
    bound = [node for node in ast.walk(method) if isinstance(node, ast.arg) and node.arg == name]
    stored = [
        node
        for node in ast.walk(method)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    return name if len(bound) == 1 and not stored else ""


def _is_wrapper(node: ast.ClassDef, imports: Mapping[str, str]) -> bool:
    """A plain subclass of torch.autograd.Function: nothing in it but static methods."""
    others = [each for each in node.body if not isinstance(each, ast.FunctionDef)]
    return (
        [resolve(base, imports) for base in node.bases] == [AUTOGRAD]
        and not node.keywords
        and not node.decorator_list
        and all(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant)
                for each in others)
        and all(list(map(ast.unparse, method.decorator_list)) == ["staticmethod"]
                and method.args.args for method in list_methods(node))
    )  # fmt: skip


def is_kernel(function: ast.FunctionDef, imports: Mapping[str, str]) -> bool:
    """Whether `@triton.jit` is among the decorators."""
    return any(decorator_name(node, imports) == JIT for node in function.decorator_list)


def decorator_name(decorator: ast.expr, imports: Mapping[str, str]) -> str:
    """`triton.jit` for both `@triton.jit` and `@triton.jit(...)`."""
    return resolve(decorator.func if isinstance(decorator, ast.Call) else decorator, imports)


def get_root(node: ast.AST) -> str:
    """The name that a chain of attributes, calls and indices begins with, or "" for none."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def resolve(node: ast.AST, imports: Mapping[str, str]) -> str:
    """The dotted name of a chain of attributes that begins with an imported name, else ""."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in imports:
        return ""
    return ".".join([imports[node.id], *reversed(attributes)])


def _parse(code: str) -> ast.Module | str:
    """The tree, or in words why there is none."""
    if len(code) > LONGEST_CODE:
        return f"The code has {len(code):,} characters, more than {LONGEST_CODE:,}."
    too_deep = "The code is nested too deeply."
    if _count_brackets(code) > DEEPEST_BRACKETS:
        return too_deep
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in someone else's strings
            tree = ast.parse(code)
    except SyntaxError as error:
        return f"SyntaxError: {error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError) as error:  # NULs, lone surrogates
        return f"The code cannot be read: {str(error) or type(error).__name__}"
    return too_deep if _is_deep(tree) else tree


def _count_brackets(code: str) -> int:
    """The deepest nesting of brackets, counted without a parser (brackets in strings count)."""
    depth = deepest = 0
    for character in code:
        if character in "([{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in ")]}":
            depth = max(0, depth - 1)
    return deepest


def _is_for_scripts(node: ast.stmt) -> bool:
    """`if __name__ == "__main__":` never runs here: the code is loaded under another name."""
    return (
        isinstance(node, ast.If)
        and not node.orelse
        and ast.unparse(node.test) == "__name__ == '__main__'"
    )


def _name_entry(tree: ast.Module) -> None:
    """Read `f = relu` as what it comes to: the plain function `relu` of this module, named f.

    Where relu has no or several meanings the assignment stays, for the rules to find.
    """
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    for place, node in enumerate(tree.body):
        match node:
            case ast.Assign([ast.Name(id=name)], ast.Name(id=original)) if name == ENTRY:
                found = [each for each in functions if each.name == original]
                if len(found) == 1 and not found[0].decorator_list:
                    fields = {**dict(ast.iter_fields(found[0])), "name": ENTRY}
                    tree.body[place] = ast.copy_location(ast.FunctionDef(**fields), node)


def _is_deep(tree: ast.Module) -> bool:
    level: list[ast.AST] = [tree]
    for _ in range(DEEPEST_TREE):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _list_imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Local name and full name of what the module's top level imports."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (first, first)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _list_constants(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names and values that the module's top level assigns."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target.id, node.value


def _without_fence(code: str) -> str:
    """Models like to put a ```python fence around code even inside other marks."""
    text = code.strip()
    first, newline, rest = text.partition("\n")
    if newline and first in ("```", "```python", "```py") and rest.endswith("```"):
        return rest.removesuffix("```")
    return code
