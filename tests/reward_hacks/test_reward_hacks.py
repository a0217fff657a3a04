"""Every known way to cheat a reward, and the test that holds it: nothing may be lost on the way.

The files beside this one list them. An entry names a file under tests/ and a test in it, and in
brackets the case where the test has many. Whoever finds a new cheat adds its row there, a test, and
an honest twin that keeps its score.
"""

import ast
import functools
from pathlib import Path

import pytest

from tests.reward_hacks.form import FORM
from tests.reward_hacks.mathematics import MATHEMATICS
from tests.reward_hacks.python_code import PYTHON_CODE
from tests.reward_hacks.sandbox import SANDBOX
from tests.reward_hacks.triton import TRITON
from tests.reward_hacks.user_functions import USER_FUNCTIONS

TESTS = Path(__file__).resolve().parents[1]
SECTIONS = (MATHEMATICS, FORM, PYTHON_CODE, TRITON, SANDBOX, USER_FUNCTIONS)
HELD_BY = sorted(
    {(case, test) for section in SECTIONS for case, tests in section.items() for test in tests}
)
# Folders of cases, and how a test file that reads them names them.
CASES = {"programs": "cases/programs", "kernels": "kernel_case"}


@functools.cache
def read_tests(file: str) -> tuple[frozenset[str], str]:
    """The test functions of a file, and its text with that of the cases it reads."""
    path = TESTS / file
    text = path.read_text(encoding="utf-8")
    names = {node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)}
    for folder, named_as in CASES.items():
        if named_as in text:
            for case in sorted((TESTS / "cases" / folder).glob("**/*.py")):
                text += f"{case.stem}\n{case.read_text(encoding='utf-8')}"
    return frozenset(names), text


@pytest.mark.parametrize(("case", "test"), HELD_BY, ids=lambda value: value[-60:])
def test_a_known_cheat_is_held_by_a_test_that_exists(case: str, test: str) -> None:
    file, _, name = test.partition("::")
    name, _, parameter = name.partition("[")
    names, text = read_tests(file)
    assert name in names, f"{case}: {file} has no test {name}"
    assert parameter.removesuffix("]") in text, f"{case}: {file} has no case {parameter}"
