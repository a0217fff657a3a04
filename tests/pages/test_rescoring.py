"""Monitor with other rewards: chosen, scored by a real process, shown in words and in curves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components.runs.curves import read_rescored, reward_panels
from pages.components.runs.rescoring import describe
from rft_core.figures import Curves
from rft_core.jobs.rescoring import cancel_rescores
from rft_core.paths import PROJECT_ROOT
from rft_core.rewards.contract import RewardEntry, RewardSet
from rft_core.rewards.python_source import reward_set_from_source
from rft_core.store.index import open_index
from rft_core.store.rescores import Tally, get_rescore
from rft_core.store.sets import ensure_set
from tests.runs_folder import await_truth
from tests.sample_run import REWARDS, begin_run, write_finished_run

RUN = "countdown-1"
OTHER = RewardSet(
    (RewardEntry("format", "format"), RewardEntry("short", "length", 0.5, {"maximum": 60})), "other"
)
SLOW = reward_set_from_source(
    "import time\n\n"
    "def slow(completions):\n    time.sleep(0.5)\n    return [1.0] * len(completions)\n",
    "slow",
)


@pytest.fixture
def runs_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("RFT_RUNS_DIR", str(tmp_path))
    with open_index(tmp_path) as index:
        for rewards in (OTHER, SLOW):
            ensure_set(
                index, "rewards", id=rewards.id, name=rewards.name, content=rewards.to_json()
            )
    yield tmp_path
    cancel_rescores(tmp_path, RUN)


def open_monitor(**query: str) -> AppTest:
    app = AppTest.from_file(PROJECT_ROOT / "pages" / "navigation.py", default_timeout=60).run()
    for key, value in {"run": RUN, **query}.items():
        app.query_params[key] = value
    return checked(app.switch_page("monitor.py").run())


def checked(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def page_text(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.error, *app.warning]
    return "\n".join(str(element.value) for element in elements)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def state(runs_dir: Path, rewards: RewardSet) -> str:
    found = get_rescore(runs_dir, RUN, rewards.id)
    return found.state if found else ""


def test_a_version_is_chosen_scored_and_told_in_words(runs_dir: Path) -> None:
    write_finished_run(runs_dir, RUN, steps=10)
    app = open_monitor()
    app.selectbox(key="rescore_version").set_value(OTHER.id).run()
    checked(app.button(key="rescore_go").click().run())
    assert app.query_params["rescore"] == OTHER.id
    await_truth(lambda: state(runs_dir, OTHER) == "finished", "the scoring to finish")
    text = page_text(checked(app.run()))
    assert "re-scored] with **other · version 1**" in text
    assert "of 80 training completions change sides" in text and "Of 20 groups" in text
    app.button(key="rescore_hide").click().run()
    assert "change sides" not in page_text(app) and "rescore" not in app.query_params


def test_a_link_to_what_is_not_scored_offers_to_score_it(runs_dir: Path) -> None:
    write_finished_run(runs_dir, RUN, steps=3)
    app = open_monitor(rescore=OTHER.id)
    assert "Not scored yet" in page_text(app)
    checked(app.button(key="rescore_more").click().run())
    await_truth(lambda: state(runs_dir, OTHER) == "finished", "the scoring to finish")
    assert "change sides" in page_text(checked(app.run()))


def test_it_is_cancelled_and_goes_on(runs_dir: Path) -> None:
    write_finished_run(runs_dir, RUN, steps=20)
    app = open_monitor(rescore=SLOW.id)
    checked(app.button(key="rescore_more").click().run())
    assert state(runs_dir, SLOW) == "running"
    checked(app.button(key="rescore_cancel").click().run())
    assert state(runs_dir, SLOW) == "stopped" and "Cancelled after" in page_text(app)
    assert "Go on" in labels(app)
    checked(app.button(key="rescore_more").click().run())
    assert state(runs_dir, SLOW) == "running"


def test_new_completions_of_a_live_run_are_offered(runs_dir: Path) -> None:
    from rft_core.rescoring import rescore

    run = begin_run(runs_dir, RUN)
    run.train(3)
    rescore(runs_dir, RUN, OTHER)
    assert not [label for label in labels(open_monitor(rescore=OTHER.id)) if "new" in label]
    run.train(2)
    assert "Score 16 new completions" in labels(open_monitor(rescore=OTHER.id))
    run.end()


def test_an_unknown_set_in_the_address_is_named(runs_dir: Path) -> None:
    write_finished_run(runs_dir, RUN, steps=1)
    assert "There is no reward set rw-nope" in page_text(open_monitor(rescore="rw-nope"))


def test_what_would_have_been_is_dashed_beside_what_was(runs_dir: Path) -> None:
    from rft_core.rescoring import rescore

    write_finished_run(runs_dir, RUN, steps=10)
    rescore(runs_dir, RUN, OTHER)
    curves = read_rescored(RUN, get_rescore(runs_dir, RUN, OTHER.id), "once")
    weights = dict(zip(REWARDS.names, REWARDS.weights, strict=True))
    panels = {panel.title: panel for panel in reward_panels(Curves(), weights, curves)}
    assert list(panels) == ["format", "equation", "brevity (only logged)", "short", "Total reward",
                            "Flagged share"]  # fmt: skip
    dashed = {title: [t.name for t in p.traces if t.dashed] for title, p in panels.items()}
    both = ["re-scored", "re-scored validation"]
    assert dashed == {"format": both, "equation": [], "brevity (only logged)": [], "short": both,
                      "Total reward": both, "Flagged share": both}  # fmt: skip
    assert len(panels["short"].traces[0].y) == 10 and len(panels["short"].traces[1].y) == 1


def test_the_words_say_only_what_there_is_to_say() -> None:
    assert describe(Tally()) == []
    parts = describe(Tally(generations=200, unscored=1, flagged=10, compared=100, encouraged=3,
                           discouraged=2, groups=25, woken=4, silenced=1))  # fmt: skip
    assert parts[0].startswith("**5 of 100 training completions change sides** (5.0%): 3 that")
    assert "0.5% could not be scored." in parts and "5.0% are flagged." in parts
