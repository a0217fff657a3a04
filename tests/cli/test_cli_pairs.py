"""Pairs from what a run has sampled, and a launch that learns from them: by commands alone."""

from pathlib import Path

from rft_core.config import RunConfig
from rft_core.data.pair_set import PairSet
from rft_core.jobs.checks import check_config
from rft_core.jobs.pinning import pin_sets
from rft_core.store.index import open_index
from rft_core.store.sets import get_set
from tests.cli.conftest import Command
from tests.runs_folder import RunsFolder
from tests.sample_run import write_finished_run


def test_groups_of_a_run_become_a_pair_set_that_a_run_can_be_launched_with(
    rft: Command, folder: RunsFolder
) -> None:
    run = write_finished_run(folder.path).id
    made = rft("pairs", "from-run", run, "--margin", "0.1", "--validation", "0.2", "--json")
    assert made.code == 0, made.stderr
    document = made.document
    listed = rft("pairs", "list", "--json").document["pair_sets"]
    assert [one["id"] for one in listed] == [document["pair_set"]]
    shown = rft("pairs", "show", document["pair_set"], "--json").document
    assert len(shown["pairs"]) == document["pairs"] > 0
    assert all(pair["margin"] >= 0.1 for pair in shown["pairs"])
    assert "--- chosen" in rft("pairs", "show", document["pair_set"]).stdout


def test_what_gives_no_pairs_says_so_in_one_line(rft: Command, folder: RunsFolder) -> None:
    run = write_finished_run(folder.path).id
    for words in (("--margin", "1e6"), ("--margin", "0"), ("--by", "nothing")):
        outcome = rft("pairs", "from-run", run, *words)
        assert outcome.code == 2 and outcome.stderr.count("\n") == 1
    assert rft("pairs", "show", "missing").code == 2


def test_a_run_on_pairs_needs_a_pair_set_and_pins_what_it_validates_on(
    rft: Command, folder: RunsFolder
) -> None:
    run = write_finished_run(folder.path).id
    pair_set = rft("pairs", "from-run", run, "--margin", "0.1", "--json").document["pair_set"]
    refused = rft("launch", "--method", "dpo")
    assert refused.code == 2 and "DPO learns from pairs" in refused.stderr
    config = RunConfig(method="dpo", pair_set=pair_set, task="custom")
    with open_index(folder.path) as index:
        check_config(index, folder.path, config)
        pinned = pin_sets(index, config)
        pairs = PairSet.from_json(get_set(index, "pairs", pair_set).content)
        own = get_set(index, "prompts", str(pinned.prompt_set))
        judged = pin_sets(index, RunConfig(method="reward_model", pair_set=pair_set))
    assert pinned.reward_set is None and judged.reward_set is None
    assert "(prompts)" in own.name and pairs.pairs[0].messages[-1]["content"] in own.content


def test_an_unknown_pair_set_is_named(rft: Command) -> None:
    outcome = rft("launch", "--method", "reward_model", "--set", "pair_set=nope")
    assert outcome.code == 2 and "no pair set 'nope'" in outcome.stderr


def test_pairs_are_no_setting_of_a_method_that_does_not_read_them(
    rft: Command, tmp_path: Path
) -> None:
    outcome = rft("launch", "--set", "pair_set=abc")
    assert outcome.code == 2 and "pair_set: grpo does not use it" in outcome.stderr
