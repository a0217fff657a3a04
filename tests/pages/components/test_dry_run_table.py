"""Every score of a dry run in one table: a column for each function, whatever it is called."""

import pytest
from streamlit.testing.v1 import AppTest


def script(name: str) -> None:
    from pages.components.completions.view import as_generation
    from pages.components.dry_run.report import show_table
    from rft_core.rewards.contract import Scored
    from rft_core.types import Completion

    sample = Scored({name: 0.25}, 0.5, {name: "because"})
    generation = as_generation(
        Completion("text", (), False, 0.0), sample, group_index=0, sample_index=0
    )
    show_table([[generation]], [name], {})


@pytest.mark.parametrize(
    "name", ["reward", "advantage", "prompt", "#", "cut off", "completion", "flags"]
)
def test_a_function_called_like_a_column_has_one_of_its_own(name: str) -> None:
    app = AppTest.from_function(script, args=(name,)).run()
    assert not app.exception
    [row] = app.dataframe[0].value.to_dict("records")
    assert row[f"{name} (function)"] == 0.25 and row["reward"] == 0.5
    assert row["completion"] == "text" and row["prompt"] == 1 and row[f"why {name}"] == "because"


def test_a_function_with_a_name_of_its_own_keeps_it() -> None:
    app = AppTest.from_function(script, args=("format",)).run()
    [row] = app.dataframe[0].value.to_dict("records")
    assert row["format"] == 0.25 and "format (function)" not in row
