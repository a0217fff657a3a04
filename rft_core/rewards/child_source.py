"""Graders that work in the child: modules' own texts become the source that it runs.

The child has nothing of this package, so the texts are made into modules of the same names there,
in the order given; each may otherwise import the standard library and installed packages. The last
one has `grade(completions, log_extra, **columns)` and finds its settings in its OPTIONS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rft_core.rewards.contract import PYTHON_GRADER, RewardEntry

_SOURCE = """\
import sys
import types

for name, text in {texts!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(text, name, "exec"), module.__dict__)
module.OPTIONS.update({options!r})
grade = module.grade
"""


def make_child_entry(
    entry: RewardEntry, modules: tuple[str, ...], options: Mapping[str, Any]
) -> RewardEntry:
    """The Python entry that runs `grade` of the last of these modules, named from this folder."""
    package = __name__.rpartition(".")[0]
    texts = {package.partition(".")[0]: "", package: ""}
    for module in modules:
        family, _, _ = module.rpartition(".")
        if family:
            texts[f"{package}.{family}"] = ""
        path = Path(__file__).parent.joinpath(*module.split(".")).with_suffix(".py")
        texts[f"{package}.{module}"] = path.read_text(encoding="utf-8")
    source = _SOURCE.format(texts=texts, options=dict(options))
    return replace(entry, grader=PYTHON_GRADER, options={"function": "grade"}, source=source)
