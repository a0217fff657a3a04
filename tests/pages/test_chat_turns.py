"""Chat with a real model behind it: turns, edits, votes, rating, and what becomes of it."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from rft_core.cli.app import main
from rft_core.data import PairSet
from rft_core.paths import PROJECT_ROOT, get_adapter_dir, get_index_path
from rft_core.preferences.asking import choose_repeat
from rft_core.store.index import open_index
from rft_core.store.preferences import Judgement, add_judgement, list_judgements
from rft_core.store.runs import get_run
from rft_core.store.sets import get_set, list_sets
from tests.judgements import make_judgement
from tests.sampling.processes import service_folder
from tests.tiny_model import make_tiny_adapter, make_tiny_model
from tests.tiny_run import add_tiny_run


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A tuned run, and one on another base, behind one generation service."""
    with service_folder(tmp_path_factory.mktemp("runs")) as folder:
        for run, seed in (("other", 5), ("tiny", 0)):
            model = make_tiny_model(tmp_path_factory.mktemp(f"model-{run}"), seed=seed)
            add_tiny_run(folder, model, run, max_completion_length=8)
            make_tiny_adapter(model, get_adapter_dir(folder, run))
        yield folder


@pytest.fixture
def folder(served: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Without judgements."""
    monkeypatch.setenv("RFT_RUNS_DIR", str(served))
    with open_index(served):
        pass
    with sqlite3.connect(get_index_path(served)) as db:
        db.execute("DELETE FROM judgements")
        db.execute("DELETE FROM sets WHERE kind = 'pairs'")
    return served


def open_view(view: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["run"] = "tiny"
    app.query_params["view"] = view
    app.switch_page("chat.py").run()
    assert not app.exception
    return app


def ask(app: AppTest, text: str) -> None:
    app.chat_input[0].set_value(text).run()
    assert not app.exception and not app.error


def press(app: AppTest, label: str) -> None:
    [found] = [button for button in app.button if button.label.startswith(label)]
    found.click().run()
    assert not app.exception and not app.error


def type_keys(app: AppTest, keys: str) -> None:
    for key in keys:
        app.button(key=f"ballot-{key}").click().run()
        assert not app.exception and not app.error


def read_turns(app: AppTest) -> list[Any]:
    return list(app.session_state["chat_turns"])


def read_judgements(folder: Path) -> list[Judgement]:
    with open_index(folder) as index:
        return list_judgements(index)


def test_a_conversation_goes_on_is_edited_and_is_answered_again(folder: Path) -> None:
    app = open_view("Talk")
    app.text_area(key="chat_system").set_value("Be brief").run()
    ask(app, "Hello")
    ask(app, "And now?")
    first, second = read_turns(app)
    assert first.question.added[0] == {"role": "system", "content": "Be brief"}
    assert [answer.lane.label for answer in second.answers] == ["base", "finished"]
    app.button(key="edit-0").click().run()
    app.text_area[-1].set_value("Hello there")
    press(app, "Send")
    [edited] = read_turns(app)
    assert edited.question.text == "Hello there" and edited.question.begins
    before = [answer.completion.token_ids for answer in edited.answers]
    press(app, "Regenerate")
    [again] = read_turns(app)
    after = [answer.completion.token_ids for answer in again.answers]
    assert again.question.added == edited.question.added
    assert all(one != other for one, other in zip(before, after, strict=True))
    press(app, "New conversation")
    assert "chat_turns" not in app.session_state


def test_a_row_is_scored_by_the_runs_rewards_in_every_lane(folder: Path) -> None:
    app = open_view("Talk")
    press(app, "A validation prompt")
    [turn] = read_turns(app)
    assert all(set(a.generation.scores) == {"short", "letter", "watched"} for a in turn.answers)
    ask(app, "Why?")
    assert all(not a.generation.scores for a in read_turns(app)[1].answers)


def test_lanes_of_two_bases_stand_side_by_side(folder: Path) -> None:
    app = open_view("Talk")
    lanes = app.multiselect[0]
    assert len(lanes.options) == 4
    for option in [o for o in lanes.options if o not in {"base", "finished"}]:
        lanes.select(option)
    app.run()
    ask(app, "Hello")
    [turn] = read_turns(app)
    assert len({answer.lane.config.model for answer in turn.answers}) == 2
    assert len({answer.completion.token_ids for answer in turn.answers}) == 4


def test_a_vote_is_blind_until_it_is_given_and_all_go_on_with_the_winner(folder: Path) -> None:
    app = open_view("Talk")
    app.toggle(key="chat_votes").set_value(True).run()
    ask(app, "Hello")
    shown = " ".join(element.proto.body for element in app.get("html"))
    assert "finished" not in shown and "base" not in shown
    type_keys(app, "2")
    [judgement] = read_judgements(folder)
    assert (judgement.verdict, judgement.shown.blind, judgement.who) == ("right", True, "local")
    [turn] = read_turns(app)
    assert turn.goes_on_with == turn.answers[1].lane.key
    ask(app, "And now?")
    type_keys(app, "e")
    newest = read_judgements(folder)[-1]
    assert [m["content"] for m in newest.shown.messages] == [
        "Hello", judgement.shown.answers[1].text, "And now?",
    ]  # fmt: skip
    assert newest.shown.task is None and newest.shown.row == {}


def test_rating_goes_on_where_it_ended_and_undo_shows_the_answers_again(folder: Path) -> None:
    app = open_view("Rate")
    app.segmented_control(key="rate_count").set_value(3).run()
    press(app, "Start rating")
    type_keys(app, "23")
    [first] = read_judgements(folder)
    assert (first.verdict, first.run) == ("B > C > A", "tiny")
    lanes = sorted((answer.lane, answer.index) for answer in first.shown.answers)
    assert lanes == [("base", 0), ("base", 2), ("finished", 1)]
    type_keys(app, "u")
    assert read_judgements(folder) == []
    type_keys(app, "1e")
    [again] = read_judgements(folder)
    assert again.verdict == "A > B = C" and again.rest_equal
    assert again.shown == first.shown and again.id != first.id
    type_keys(app, "s")  # the item that had waited
    later = open_view("Rate")
    assert "**2** judged" in [caption.value for caption in later.caption]
    press(later, "Go on")
    type_keys(later, "e")
    questions = [j.shown.row["question"] for j in read_judgements(folder)]
    assert sorted(questions) == ["q5", "q6", "q7"]  # the validation rows, each once


def test_people_who_share_a_page_say_who_rates_and_each_has_a_count_of_their_own(
    folder: Path, tmp_path: Path
) -> None:
    app = open_view("Rate")
    app.text_input(key="rater").set_value(" Ada\x07 ").run()
    assert app.query_params["rater"] == "Ada"
    press(app, "Start rating")
    type_keys(app, "1")
    app.text_input(key="rater").set_value("Bob").run()
    assert "**0** judged" in [caption.value for caption in app.caption]
    press(app, "Start rating")
    type_keys(app, "2")
    type_keys(app, "u")  # takes back Bob's, not Ada's
    app.text_input(key="rater").set_value("").run()
    assert "rater" not in app.query_params
    press(app, "Start rating")
    type_keys(app, "e")
    assert [j.who for j in read_judgements(folder)] == ["Ada", "local"]
    assert main(["preferences", "export", str(tmp_path / "pairs.jsonl")]) == 0
    assert main(["preferences", "import", str(tmp_path / "pairs.jsonl")]) == 0
    with open_index(folder) as index:
        [row] = list_sets(index, "pairs")
        [pair] = PairSet.from_json(get_set(index, "pairs", row["id"]).content).pairs
    assert pair.source == "judged by Ada"  # a tie gives no pair


def test_a_name_in_the_address_rates_and_a_signed_in_one_cannot_be_changed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    app.query_params["view"] = "Talk"
    app.query_params["rater"] = "Grace"
    app.switch_page("chat.py").run()
    app.toggle(key="chat_votes").set_value(True).run()
    ask(app, "Hello")
    type_keys(app, "1")
    assert [j.who for j in read_judgements(folder)] == ["Grace"]
    monkeypatch.setattr("pages.components.preferences.rater.is_sign_in_configured", lambda: True)
    monkeypatch.setattr("pages.components.preferences.rater.get_person", lambda: "ada@example.com")
    app.run()
    [field] = [box for box in app.text_input if box.label == "Rated by"]
    assert field.disabled and field.value == "ada@example.com"
    ask(app, "And now?")
    type_keys(app, "1")
    assert read_judgements(folder)[-1].who == "ada@example.com"


def test_an_item_comes_again_in_another_order_and_shows_self_agreement(folder: Path) -> None:
    judged: list[Judgement] = []
    while (due := choose_repeat(judged)) is None:
        judged.append(make_judgement(f"r{len(judged)}", (1, 2), who="local"))
    with open_index(folder) as index:
        for judgement in judged:
            add_judgement(index, judgement)
    app = open_view("Rate")
    press(app, "Go on")
    type_keys(app, "2")
    newest = read_judgements(folder)[-1]
    assert newest.repeats == due.id
    assert newest.shown.answers == due.shown.answers[::-1]
    app = open_view("Preferences")
    values = {metric.label: metric.value for metric in app.metric}
    assert (values["Asked again"], values["Self-agreement"]) == ("1", "100%")


def test_judgements_become_pairs_on_the_page(folder: Path) -> None:
    app = open_view("Rate")
    press(app, "Start rating")
    type_keys(app, "111")
    app = open_view("Preferences")
    values = {metric.label: metric.value for metric in app.metric}
    assert (values["Judgements"], values["Self-agreement"]) == ("3", "–")
    press(app, "Make a pair set")
    assert "3 pairs of 3 judgements. 2 to train on, 1 held out." in app.success[0].value
    with open_index(folder) as index:
        [row] = list_sets(index, "pairs")
        made = PairSet.from_json(get_set(index, "pairs", row["id"]).content)
    assert len(made.pairs) == 3 and len(made.validation) == 1
    assert [p.chosen for p in made.pairs] == [
        j.shown.answers[0].text for j in read_judgements(folder)
    ]
    assert any(b.key == f"train-reward_model-{made.id}" for b in app.button)
    app.button(key=f"train-dpo-{made.id}").click().run()
    assert not app.exception
    assert app.selectbox(key="config.method").value == "dpo"
    assert app.selectbox(key="config.pair_set").value == made.id
    with open_index(folder) as index:
        judged = get_run(index, "tiny").config
    for name in ("task", "prompt_set", "model"):  # those of the run that was rated
        assert app.selectbox(key=f"config.{name}").value == getattr(judged, name)
    assert app.text_input(key="config.learning_rate").value == "0.0001"  # what suits DPO


def test_an_empty_page_of_preferences_says_where_they_come_from(folder: Path) -> None:
    app = open_view("Preferences")
    assert "Nothing has been judged yet" in app.info[0].value
    [make] = [button for button in app.button if button.label == "Make a pair set"]
    assert make.disabled
