"""Programs are put together by what they import, each part once and whole."""

import pytest

from rft_core.sandbox import program_text
from rft_core.sandbox.program_text import PROGRAMS, read_program


@pytest.mark.parametrize("name", [path.stem for path in PROGRAMS.glob("[a-z]*.py")])
def test_no_program_is_left_with_an_import_that_the_jailed_side_has_not(name):
    source = read_program(name).source
    compile(source, name, "exec")
    assert "import rft_core" not in source
    assert "from rft_core" not in source


def test_a_part_that_two_others_import_stands_once_and_before_them():
    source = read_program("kernel_interpreter").source
    assert source.count("def compile_candidate(") == source.count("def load(") == 1
    assert source.index("class Memory") < source.index("class Watch") < source.index("def examine(")


def test_an_import_over_several_lines_goes_as_a_whole(tmp_path, monkeypatch):
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "part.py").write_text("one, two = 1, 2\n", encoding="utf-8")
    text = (
        "from rft_core.sandbox.programs.part import (\n    one,\n    two,\n)\n\nboth = one + two\n"
    )
    (folder / "whole.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(program_text, "PROGRAMS", folder)
    names = {}
    exec(compile(read_program("whole").source, "whole", "exec"), names)
    assert names["both"] == 3
