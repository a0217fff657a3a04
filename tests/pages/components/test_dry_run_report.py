"""The table of every score: what the functions said of each completion, a row each."""

from streamlit.testing.v1 import AppTest


def show() -> None:
    from pages.components.dry_run.report import as_groups, name_extras, show_table
    from rft_core.config import RunConfig
    from rft_core.dry_run import score_groups
    from rft_core.types import Completion
    from tests.rewards.scoring_cases import python_set

    source = """
def talker(completions, log_extra):
    log_extra("words", [len(text.split()) for text in completions])
    log_extra("reason", ["because"] * len(completions))
    log_extra("uneven", ["one too few"])
    return [1.0 for _ in completions]
"""
    group = [Completion(text, (), False, 0.0) for text in ("one", "two words")]
    rewards = python_set(source, "talker")
    result = score_groups(RunConfig(), rewards, [{}], [[{"role": "user", "content": "?"}]], [group])
    show_table(as_groups(result), rewards.names, name_extras(result))


def test_what_a_function_logs_of_each_completion_has_a_column() -> None:
    app = AppTest.from_function(show, default_timeout=30).run()
    assert not app.exception, app.exception
    frame = app.dataframe[0].value
    assert list(frame["words (talker)"]) == ["1", "2"]
    assert list(frame["why talker"]) == ["because"] * 2
    assert not any("reason" in name or "uneven" in name for name in frame)
