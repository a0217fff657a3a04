"""Findings are means over seeds, a prompt at a time; the report says them in words."""

import pytest

from rft_core.evaluation.known import BASE
from rft_core.experiments.design import (
    MAJORITY,
    TOP_1,
    Arm,
    Block,
    Claim,
    Experiment,
)
from rft_core.experiments.report import list_rows, write_report
from rft_core.experiments.results import ArmResult, BlockResult, find

ARMS = (
    Arm("st", "Self-training", {}),
    Arm("st_random", "Self-training, random", {}, control_of="st"),
)
BLOCK = Block("ncot", "N-CoT", {}, ARMS)
CLAIMS = (
    Claim("It beats the base.", "ncot", "st", BASE),
    Claim("Voting helps.", "ncot", "st", "st", measure=MAJORITY),
    Claim("It beats what nobody trained.", "elsewhere", "st", BASE),
)


def make_experiment(**more: object) -> Experiment:
    settings = {"quick": False, "seeds": (0, 1), "num_prompts": 4, "k": 2, **more}
    return Experiment("toy", title="Toy", question="?", blocks=(BLOCK,), claims=CLAIMS, **settings)  # type: ignore[arg-type]


def make_block() -> BlockResult:
    base = ArmResult(BASE, "Base", {0: {TOP_1: (0.0,) * 40}, 1: {TOP_1: (0.0,) * 40}})
    trained = ArmResult(
        "st", "Self-training",
        {
            0: {TOP_1: (1.0, 0.0) * 20, MAJORITY: (1.0, 1.0) * 20},
            1: {TOP_1: (1.0, 1.0) * 20, MAJORITY: (1.0, 1.0) * 20},
        },
        seconds=90, tokens=1234,
    )  # fmt: skip
    control = ArmResult("st_random", "Self-training, random", {}, control_of="st")
    return BlockResult(BLOCK, (base, trained, control), "asked like this")


def test_a_claim_says_with_how_many_of_its_seeds_it_was_measured() -> None:
    sentences = [
        v.sentence for v in find(make_experiment(seeds=(0, 1, 2)), [make_block()]).verdicts
    ]
    assert "40 prompts, 2 of 3 seeds)" in sentences[0] and "seeds" not in sentences[2]
    assert "seeds" not in find(make_experiment(), [make_block()]).verdicts[0].sentence


def test_an_arm_is_the_mean_of_its_seeds_prompt_by_prompt() -> None:
    trained = make_block().get_arm("st")
    assert trained.get_shares() == (1.0, 0.5) * 20
    assert trained.get_mean() == 0.75 and trained.get_mean(MAJORITY) == 1.0
    low, high = trained.get_interval() or (0.0, 0.0)
    assert low < 0.75 < high


def test_what_nobody_could_judge_is_left_out_of_both_arms() -> None:
    base = ArmResult(BASE, "Base", {0: {TOP_1: (0.0, 0.0, None, 0.0)}})
    arm = ArmResult("st", "Self-training", {0: {TOP_1: (1.0, None, 1.0, 0.5)}})
    assert arm.get_shares() == (1.0, 1.0, 0.5) and arm.seed_means == [pytest.approx(2.5 / 3)]
    found = arm.compare(base)
    assert found is not None and (found.n, found.difference) == (2, 0.75)


def test_claims_about_arms_votes_and_other_blocks_are_judged() -> None:
    outcomes = [verdict.outcome for verdict in find(make_experiment(), [make_block()]).verdicts]
    # the vote gained nothing with one of the two seeds
    assert outcomes == ["reproduced", "undecided", "not measured"]


def test_a_row_says_what_an_arm_gained_on_the_base_its_control_and_a_vote() -> None:
    base, trained, control = list_rows(make_block())
    assert trained["against the base"].startswith("+75.0 (")
    assert trained["majority of k, gain"].startswith("+25.0 (")
    assert trained["by seed"] == "50.0, 100.0" and trained["minutes"] == "1.5"
    assert control[TOP_1] == "not measured" and "against the base" not in base


def test_the_report_has_the_claims_the_tables_and_how_it_was_measured() -> None:
    text = write_report(find(make_experiment(), [make_block()]))
    assert "- It beats the base. Reproduced: +75.0 points" in text
    assert "| Self-training |" in text and "asked like this" in text and "seeds 0, 1." in text


@pytest.mark.parametrize(("quick", "name"), [(False, "toy"), (True, "toy-quick")])
def test_a_quick_trial_is_another_experiment(quick: bool, name: str) -> None:
    assert make_experiment(quick=quick).name == name
