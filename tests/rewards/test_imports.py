"""Imports that the jail could not serve are found in the source, before any step is made."""

import pytest

from rft_core.errors import BadInputError
from rft_core.rewards.imports import MissingModule, find_missing_modules, refuse_missing_modules
from rft_core.rewards.python_source import reward_set_from_source


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("import not_installed", [("not_installed", 1)]),
        ("import json, not_installed.part as n", [("not_installed.part", 1)]),
        ("from not_installed import thing", [("not_installed", 1)]),
        ("def f(completions):\n    import not_installed\n", [("not_installed", 2)]),
        ("class A:\n    def f(self):\n        from nowhere.at import all", [("nowhere.at", 3)]),
        ("import numpy.not_there", [("numpy.not_there", 1)]),
        ("from . import mine", [(".", 1)]),
        ("import rft_core", [("rft_core", 1)]),  # the jail does not have the project
        ("import tests.tiny_run", [("tests.tiny_run", 1)]),
        (
            "try:\n    x()\nexcept ValueError:\n    pass\nimport b1\nimport a1",
            [("b1", 5), ("a1", 6)],
        ),
        ("try:\n    import a1\nfinally:\n    pass", [("a1", 2)]),
        ("try:\n    import a1\nexcept ImportError:\n    import b1", [("b1", 4)]),
    ],
)
def test_what_is_missing_is_named_with_its_line(
    source: str, missing: list[tuple[str, int]]
) -> None:
    assert find_missing_modules(source) == [MissingModule(*found) for found in missing]


@pytest.mark.parametrize(
    "source",
    [
        "import json, os.path, xml.etree.ElementTree, importlib.metadata, _thread",
        "import numpy, torch.nn.functional, pandas as pd",
        "from numpy import linalg\nfrom numpy.linalg import norm",
        "from math import *",
        "from __future__ import annotations",
        "try:\n    import nowhere\nexcept ImportError:\n    nowhere = None",
        "try:\n    import nowhere\nexcept (ValueError, ModuleNotFoundError):\n    pass",
        "try:\n    from nowhere import a\nexcept:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import nowhere",
        "this is no Python",
        "",
    ],
)
def test_what_the_jail_has_or_the_source_guards_is_not_refused(source: str) -> None:
    assert find_missing_modules(source) == []


def test_the_refusal_says_module_line_and_cure() -> None:
    rewards = reward_set_from_source("import json\nimport levenstein\n\ndef a(completions): ...\n")
    with pytest.raises(BadInputError) as caught:
        refuse_missing_modules(rewards)
    assert "'a' imports 'levenstein' in line 2, which is not installed" in str(caught.value)
    assert "Install" in caught.value.fix
