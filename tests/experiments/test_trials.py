"""Trials are ordinary runs: known by what decides them, begun when what they need is there."""

from dataclasses import replace
from pathlib import Path

import pytest

from rft_core.config import get_method, make_config, uses
from rft_core.errors import BadInputError, NotFoundError
from rft_core.experiments.catalog import MAKERS, get_experiment, narrow
from rft_core.experiments.design import Experiment, Trial
from rft_core.experiments.running import waits_for
from rft_core.experiments.trials import find_source, name_command


def get_trial(experiment: Experiment, arm: str, seed: int = 0) -> Trial:
    block = experiment.blocks[0]
    return experiment.make_trial(block, block.get_arm(arm), seed)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_every_trial_is_a_legal_run_and_no_two_are_the_same(name: str, quick: bool) -> None:
    trials = list(get_experiment(name, quick=quick).list_trials())
    for trial in trials:
        needs_pairs = {"pair_set": "made when it begins"} if trial.arm.pairs_from else {}
        assert make_config({**trial.settings, **needs_pairs}).seed == trial.seed
    assert len({name_command(trial) for trial in trials}) == len(trials)


@pytest.mark.parametrize("name", MAKERS)
def test_claims_and_controls_name_arms_that_exist(name: str) -> None:
    experiment = get_experiment(name)
    arms = {(block.name, arm.name) for block in experiment.blocks for arm in block.arms}
    arms |= {(block.name, "base") for block in experiment.blocks}
    for claim in experiment.claims:
        assert {(claim.block, claim.better), (claim.block, claim.than)} <= arms
    for block in experiment.blocks:
        for arm in block.arms:
            for other in filter(None, (arm.control_of, arm.pairs_from)):
                assert (block.name, other) in arms


def test_a_trial_is_known_by_what_decides_it_and_not_by_its_name() -> None:
    trial = get_trial(get_experiment("countdown-data"), "grpo")
    renamed = replace(trial, settings={**trial.settings, "name": "another"})
    warmer = replace(trial, settings={**trial.settings, "temperature": 0.9})
    assert name_command(renamed) == name_command(trial) != name_command(warmer)


def test_a_base_that_was_trained_anew_makes_another_trial(tmp_path: Path) -> None:
    trial = get_trial(get_experiment("countdown-data"), "grpo")
    here = replace(trial, settings={**trial.settings, "model": str(tmp_path)})
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"old")
    before = name_command(here)
    assert name_command(here) == before
    (tmp_path / "model.safetensors").write_bytes(b"trained anew")
    assert name_command(here) != before


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("name", MAKERS)
def test_what_comes_after_another_policy_is_held_to_that_one(name: str, quick: bool) -> None:
    for trial in get_experiment(name, quick=quick).list_trials():
        if "stages" in trial.settings:
            pairs = {"pair_set": "some"} if trial.arm.pairs_from else {}
            for plan in make_config({**trial.settings, **pairs}).plan_stages():
                if plan.number and uses(get_method(plan.config.method), "reference"):
                    assert plan.config.reference == "stage_start"


def test_what_learns_from_another_trial_waits_for_it_and_changes_with_it() -> None:
    experiment = get_experiment("reft")
    learner = get_trial(experiment, "dpo")
    source = find_source(learner)
    assert source.arm.name == "offline_st" and source.seed == learner.seed
    assert name_command(source) == name_command(get_trial(experiment, "offline_st"))
    others = [get_trial(experiment, "offline_st", seed) for seed in (0, 1)]
    assert waits_for(learner, others[:1]) and not waits_for(learner, others[1:])
    assert not waits_for(others[0], others)


def test_an_unknown_experiment_names_those_there_are() -> None:
    with pytest.raises(NotFoundError, match="countdown-data"):
        get_experiment("nothing")


def test_one_block_alone_keeps_its_trials_and_its_claims() -> None:
    whole = get_experiment("reft")
    alone = narrow(whole, "Search")
    assert {claim.block for claim in alone.claims} == {"Search"}
    whole_names = {name_command(trial) for trial in whole.list_trials()}
    names = {name_command(trial) for trial in alone.list_trials()}
    assert names < whole_names and len(names) == len(whole_names) / 3
    with pytest.raises(BadInputError, match="'N-CoT', 'P-CoT', 'Search'"):
        narrow(whole, "Stories")
