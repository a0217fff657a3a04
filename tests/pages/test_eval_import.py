"""An eval on the Prompts page: what will be made, what cannot be, and both sets saved."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.data import PromptSet
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardSet
from rft_core.store.index import open_index
from rft_core.store.sets import get_set, list_sets
from tests.rewards.exchange.evals.eval_cases import CASES

WITH_JAVASCRIPT = """
description: Two assertions
prompts: ['{{q}}']
defaultTest:
  assert: [{type: icontains, value: '{{gold}}'}, {type: javascript, value: output.length}]
tests: [{vars: {q: 'France?', gold: Paris}}, {vars: {q: 'Peru?', gold: Lima}}]
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    """The Prompts page, where an eval is asked for."""
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=90).run()
    app = checked(app.switch_page("prompts.py").run())
    app.segmented_control(key="prompts_source").set_value("Eval")
    return checked(app.run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def upload(app: AppTest, name: str, text: str) -> AppTest:
    app.file_uploader(key="eval_file").set_value((name, text.encode(), "text/plain"))
    return checked(app.run())


def read(name: str) -> str:
    return (CASES / name).read_text(encoding="utf-8")


def texts(app: AppTest) -> str:
    elements = [*app.markdown, *app.warning, *app.info, *app.error, *app.caption]
    return "\n".join(str(element.value) for element in elements).replace("\\", "")


def list_stored(folder: Path) -> dict[str, list[str]]:
    with open_index(folder) as index:
        return {kind: [row["id"] for row in list_sets(index, kind)]
                for kind in ("prompts", "rewards")}  # fmt: skip


def test_a_configuration_is_shown_and_both_sets_are_saved(app: AppTest, tmp_path: Path) -> None:
    app = upload(app, "capitals.yaml", read("capitals.yaml"))
    assert "(Promptfoo): 5 prompts, 1 of them for validation, and 3 reward functions" in texts(app)
    assert list_stored(tmp_path) == {"prompts": [], "rewards": []}
    app.text_input[0].set_value("My capitals")
    app = checked(app.button(key="eval_save").click().run())
    stored = list_stored(tmp_path)
    with open_index(tmp_path) as index:
        prompts = PromptSet.from_json(get_set(index, "prompts", stored["prompts"][0]).content)
        rewards = RewardSet.from_json(get_set(index, "rewards", stored["rewards"][0]).content)
    assert prompts.name == rewards.name == "My capitals"
    assert rewards.names == ("form", "icontains", "brief")
    assert f"Stored: prompts `{prompts.id}`, rewards `{rewards.id}`" in texts(app)
    assert not [button for button in app.button if button.key == "eval_save"]
    app = checked(app.button(key="eval_to_train").click().run())
    assert app.session_state["config.prompt_set"] == prompts.id
    assert app.session_state["config.reward_set"] == rewards.id


def test_parts_that_stay_behind_are_listed_and_agreed_to(app: AppTest, tmp_path: Path) -> None:
    app = upload(app, "config.yaml", WITH_JAVASCRIPT)
    assert "defaultTest.assert[1].type: 'javascript'" in texts(app)
    assert app.button(key="eval_save").disabled
    app = checked(app.checkbox[0].check().run())
    app = checked(app.button(key="eval_save").click().run())
    assert [len(ids) for ids in list_stored(tmp_path).values()] == [1, 1]


def test_an_eval_with_its_rows_and_its_run_beside_it(app: AppTest) -> None:
    app = upload(app, "eval.json", read("tickets_eval.json"))
    [error] = app.error
    assert "has no rows that can be imported" in error.value
    others = [(name, read(name).encode(), "text/plain")
              for name in ("tickets_run.json", "tickets_rows.jsonl")]  # fmt: skip
    app.file_uploader(key="eval_others").set_value(others)
    app = checked(app.run())
    assert not app.error and "(OpenAI Evals): 5 prompts" in texts(app)


def test_how_to_ask_can_be_said_otherwise(app: AppTest) -> None:
    app = upload(app, "capitals.yaml", read("capitals.yaml"))
    app.text_area(key="eval_user").set_value("City? {{ question }}")
    app = checked(app.run())
    assert any(code.value == "City? What is the capital of France?" for code in app.code)
    app.text_area(key="eval_user").set_value("{{ nothing }}")
    assert "nothing" in checked(app.run()).error[0].value


@pytest.mark.parametrize("text", ["", "\x00", "just text", "tests: ["])
def test_what_is_no_eval_is_one_error_and_changes_nothing(
    app: AppTest, tmp_path: Path, text: str
) -> None:
    app = upload(app, "eval.yaml", text)
    assert len(app.error) == 1 and list_stored(tmp_path) == {"prompts": [], "rewards": []}
