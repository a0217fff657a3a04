"""Built-in graders' code as text that needs nothing of this project, for files people take away.

A grader's module and the modules that it imports become texts, in the order in which they need each
other, under a package name of their own: they cannot meet this project where that is installed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

PACKAGE = __name__.partition(".")[0]
ALIAS = "rft_graders"
_READS_DATA = re.compile(
    r'Path\(__file__\)\.with_name\("([\w.]+)"\)\.read_text\(encoding="utf-8"\)'
)
_FOLDER = Path(__file__).resolve().parents[2]

LOADER = '''
def _load(modules):
    """Make modules of texts, in the order given."""
    import sys
    import types

    for name, text in modules.items():
        module = sys.modules[name] = types.ModuleType(name)
        package, _, own = name.rpartition(".")
        if package:
            setattr(sys.modules.setdefault(package, types.ModuleType(package)), own, module)
        exec(compile(text, name, "exec"), module.__dict__)
'''


def collect_modules(names: Iterable[str]) -> dict[str, str]:
    """Alias -> text of these modules and all that they import of this project, needed first."""
    found: dict[str, str] = {}
    for name in names:
        _collect(name, found)
    return found


def alias_of(module: str) -> str:
    return module.replace(PACKAGE, ALIAS, 1)


def as_literal(text: str) -> str:
    """A text as a triple-quoted literal that people can read."""
    escaped = text.replace("\\", "\\\\").replace("'''", "\\'\\'\\'")
    if escaped.endswith("'"):
        escaped = escaped[:-1] + "\\'"
    return f"'''\\\n{escaped}'''"


def _collect(module: str, found: dict[str, str]) -> None:
    path = _FOLDER.joinpath(*module.split(".")[1:]).with_suffix(".py")
    if alias_of(module) in found or not path.exists():
        return
    text = _with_data(path)
    for needed in _imports(ast.parse(text)):
        _collect(needed, found)
    found[alias_of(module)] = text.replace(f"{PACKAGE}.", f"{ALIAS}.")


def _with_data(path: Path) -> str:
    """The module's text, and in it as literals the JSON files that it reads."""
    return _READS_DATA.sub(
        lambda found: as_literal(path.with_name(found[1]).read_text(encoding="utf-8")),
        path.read_text(encoding="utf-8"),
    )


def _imports(tree: ast.Module) -> Iterator[str]:
    """What is imported when the module is: not inside functions, and not for type checkers."""
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PACKAGE):
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
