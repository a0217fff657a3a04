"""What an experiment is: blocks of arms, the seeds that repeat them, and the claims under test.

Pure data, and the words of the design of experiments: an arm is one way to train; a block is what
its arms have in common (a task, so many prompts); a trial is one arm of one block with one seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# What is measured; the last one is the control of the one before it.
TOP_1, MAJORITY, RERANKED = "Top-1", "majority of k", "reranked, best of k"
BY_LENGTH = "the longest of k"


@dataclass(frozen=True)
class Arm:
    """One way to train. `settings` are those of a run, beside its block's.

    `control_of`: this arm differs from that one only in what is said to matter, and is drawn at
    random instead. `pairs_from`: an arm whose graded completions become this one's pair set.
    `ranks`: it leaves a reward model, which reranks the completions of the others.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    control_of: str = ""
    pairs_from: str = ""
    ranks: bool = False


@dataclass(frozen=True)
class Block:
    """What arms are compared on: all of them get `settings`, and are measured on the same rows.

    `size`: how much this block has of what its experiment varies; 0 where blocks differ in kind.
    """

    name: str
    title: str
    settings: Mapping[str, Any]
    arms: tuple[Arm, ...]
    size: int = 0

    def get_arm(self, name: str) -> Arm:
        return next(arm for arm in self.arms if arm.name == name)


@dataclass(frozen=True)
class Claim:
    """Somebody's sentence, as a difference that can be measured.

    In that block the arm `better`, by `measure`, is above the arm `than` (which may be the same
    arm), by `than_measure`, by `at_least`, a share of the prompts.
    """

    text: str
    block: str
    better: str
    than: str
    at_least: float = 0.0
    measure: str = TOP_1
    than_measure: str = TOP_1


@dataclass(frozen=True)
class Trial:
    """One run to be. `settings` are all that its configuration is made of."""

    block: Block
    arm: Arm
    seed: int
    settings: Mapping[str, Any] = field(compare=False)

    @property
    def title(self) -> str:
        return f"{self.block.title}: {self.arm.title}, seed {self.seed}"


@dataclass(frozen=True)
class Experiment:
    """`num_prompts` held-out prompts are asked `k` times each of what every trial leaves.

    `quick`: the same design at a size that takes minutes, and whose figures say nothing.
    `size_name`: what blocks have more and more of; empty where they differ in kind.
    """

    design: str
    quick: bool
    title: str
    question: str
    blocks: tuple[Block, ...]
    claims: tuple[Claim, ...]
    seeds: tuple[int, ...]
    num_prompts: int
    k: int
    size_name: str = ""

    @property
    def name(self) -> str:
        return f"{self.design}-quick" if self.quick else self.design

    def list_trials(self) -> Iterator[Trial]:
        """Seed by seed: a first answer is there early."""
        for seed in self.seeds:
            for block in self.blocks:
                for arm in block.arms:
                    yield self.make_trial(block, arm, seed)

    def make_trial(self, block: Block, arm: Arm, seed: int) -> Trial:
        named = {"seed": seed, "name": f"{self.title[:30]} · {block.title} · {arm.title}"[:80]}
        return Trial(block, arm, seed, {**block.settings, **arm.settings, **named})
