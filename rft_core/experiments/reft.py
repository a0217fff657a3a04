"""ReFT's table on problems that a CPU can train on: imitation, self-training, reinforcement.

After Luong et al. 2024 (arXiv 2401.08967), tables 1 and 2: every arm begins with the same short SFT
and gets the same prompts; they differ in what they learn from afterwards. What samples in every
step gets the same number of completions: PPO takes two steps of each batch, so it has twice as many
steps. Offline-ST begins anew from the base, and has the steps of the warm-up too. What selects by
the reward has a control beside it that selects as many at random.

The third block is no story: of Countdown's rows a worked search is known, but not the one that
suits the model, so there is more to be found by trying than by copying.

Worked examples are few, 100, as they are where anybody would want more than to imitate them. With
400 of them to copy, this base, which knows how each story is solved and does not settle for it,
gets nearly everything right by imitation alone, and nothing is left to be found out by trying.
"""

from __future__ import annotations

from typing import Any

from rft_core.evaluation.known import BASE
from rft_core.experiments.design import (
    BY_LENGTH,
    MAJORITY,
    RERANKED,
    Arm,
    Block,
    Claim,
    Experiment,
)

EXAMPLES = "per_device_train_batch_size=32"
KL = "beta=0.05"  # ReFT's for sentences; at 0.01 PPO learns the hundred prompts by heart
PAIRS = "learning_rate=1e-4"  # a judgement has many pairs, and 1e-3 ruins what learns from them
HELD = "reference=stage_start"  # to the policy that the warm-up left, not to the base
JUDGING = "learning_rate=3e-4"  # of up to 1,200 pairs, about twice each
SFT, OFFLINE, ONLINE, PPO = "sft", "offline_st", "online_st", "reft_ppo"
GRPO, RLOO, DPO, REWARD_MODEL = "reft_grpo", "rloo", "dpo", "reward_model"
STORIES = {"model": "embedded/word_problems", "max_completion_length": 160, "learning_rate": 1e-3}
BLOCKS: dict[str, dict[str, Any]] = {
    "N-CoT": {"task": "word_problems", **STORIES},
    "P-CoT": {"task": "word_problems_program", **STORIES},
    "Search": {"task": "countdown", "model": "embedded/countdown", "max_completion_length": 144},
}


def make_experiment(*, quick: bool) -> Experiment:
    """Quick: N-CoT alone, a step or two of everything, one seed."""
    names = ("N-CoT",) if quick else tuple(BLOCKS)
    return Experiment(
        design="reft",
        quick=quick,
        title="ReFT",
        question="From the same worked examples: imitate them, imitate oneself, or be rewarded?",
        blocks=tuple(_make_block(name, quick) for name in names),
        claims=tuple(claim for name in BLOCKS for claim in _make_claims(name)),
        seeds=(0,) if quick else (0, 1, 2),
        num_prompts=10 if quick else 200,
        k=2 if quick else 8,
    )


def _make_block(name: str, quick: bool) -> Block:
    settings = {
        **BLOCKS[name], "num_prompts": 32 if quick else 100,
        "num_validation_prompts": 8, "eval_steps": 0, "save_steps": 0,
    }  # fmt: skip
    return Block(name, name, settings, tuple(_list_arms(*((1, 2) if quick else (10, 120)))))


def _list_arms(warm: int, then: int) -> list[Arm]:
    def after_sft(name: str, title: str, stage: str, **about: Any) -> Arm:
        return Arm(name, title, {"stages": f"sft {warm} {EXAMPLES}; {stage}"}, **about)

    offline = f"offline_st {warm + then} {EXAMPLES}"
    return [
        Arm(SFT, "SFT, longer", {"stages": f"sft {warm + then} {EXAMPLES}"}),
        after_sft(OFFLINE, "Offline-ST", offline),
        after_sft(
            "offline_random", "Offline-ST, random", f"{offline} selection=random",
            control_of=OFFLINE,
        ),
        after_sft(ONLINE, "Online-ST, half gold", f"online_st {then}"),
        after_sft("online_fresh", "Online-ST, fresh alone", f"online_st {then} gold_share=0"),
        after_sft(
            "online_random", "Online-ST, random", f"online_st {then} selection=random",
            control_of=ONLINE,
        ),
        after_sft(PPO, "ReFT by PPO", f"ppo {2 * then} {HELD} {KL}"),
        after_sft(GRPO, "ReFT by GRPO", f"grpo {then} {HELD}"),
        after_sft(RLOO, "RLOO", f"rloo {then} {HELD}"),
        after_sft(DPO, "DPO from groups", f"dpo {then // 2} {HELD} {PAIRS}", pairs_from=OFFLINE),
        Arm(
            REWARD_MODEL, "Reward model", {"stages": f"reward_model {then * 4 // 3} {JUDGING}"},
            pairs_from=GRPO, ranks=True,
        ),
    ]  # fmt: skip


def _make_claims(block: str) -> tuple[Claim, ...]:
    return (
        Claim(f"{block}: Offline-ST beats SFT.", block, OFFLINE, SFT),
        Claim(f"{block}: Online-ST beats SFT.", block, ONLINE, SFT),
        Claim(f"{block}: ReFT beats SFT.", block, PPO, SFT),
        Claim(f"{block}: ReFT beats Offline-ST.", block, PPO, OFFLINE),
        Claim(f"{block}: ReFT beats Online-ST.", block, PPO, ONLINE),
        Claim(f"{block}: to select what is right matters.", block, OFFLINE, "offline_random"),
        Claim(f"{block}: voting raises ReFT's Top-1.", block, PPO, PPO, measure=MAJORITY),
        Claim(f"{block}: reranking raises ReFT's Top-1.", block, PPO, PPO, measure=RERANKED),
        Claim(f"{block}: reranking raises SFT's Top-1.", block, SFT, SFT, measure=RERANKED),
        Claim(f"{block}: reranking raises the base's Top-1.", block, BASE, BASE, measure=RERANKED),
        Claim(
            f"{block}: the reward model picks better than length, of the base's answers.",
            block,
            BASE,
            BASE,
            measure=RERANKED,
            than_measure=BY_LENGTH,
        ),
    )
