"""How commands print: names that are much too long do not flood the terminal."""

import pytest

from rft_core.cli.output import LONGEST_NAME, print_facts, print_table
from tests.cli.conftest import Command


def test_a_name_that_is_much_too_long_is_cut_in_facts_and_tables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_facts({"state": "running", "train rewards/" + "x" * 5000: 0.5})
    print_table(("name", "value"), [("rewards/" + "x" * 5000, 0.5)])
    printed = capsys.readouterr().out
    assert "running" in printed and printed.count("0.5") == 2
    assert max(map(len, printed.splitlines())) <= LONGEST_NAME + 20


@pytest.mark.parametrize("field", ["name", "model", "max_steps", "task", "nonsense"])
def test_a_value_of_thousands_of_characters_is_not_echoed_whole(rft: Command, field: str) -> None:
    refused = rft("launch", "--set", f"{field}={'9x' * 2500}")
    assert refused.code == 2 and len(refused.stderr) < 1000
    assert "9x" * 101 not in refused.stderr
