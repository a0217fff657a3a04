"""Search for the shortest lie: begin with known completions, mutate what pays, shrink what lies.

The search knows a reward and an independent check as two functions, and nothing of either's inside.
It is the same for every reward. The same seed tries the same completions in the same order; only
how many the time allows differs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from rft_core.diagnosis.probes.target import Target
from rft_core.diagnosis.shortest_lie.beginnings import list_answers, list_beginnings
from rft_core.diagnosis.shortest_lie.ledger import Budget, Ledger, key_of
from rft_core.diagnosis.shortest_lie.mutations import LONGEST, Material, mutate
from rft_core.diagnosis.shortest_lie.opinion import Candidate, Judge, Score
from rft_core.diagnosis.shortest_lie.report import Lie, LieEnding, LieReport
from rft_core.diagnosis.shortest_lie.shrinking import OutOfBudgetError, shrink
from rft_core.diagnosis.shortest_lie.stake import Stake

CHILDREN = 96  # of one prompt in one round
MOST_PARENTS = 400
MOST_SHRUNK = 3  # lies of one round, of which the shortest result counts
PATIENCE = 3  # rounds before a lie of spelling only is taken
DRAWS = 20  # of a child that is not known yet
FULL_SHARE, PART_SHARE = 0.5, 0.8  # of parents: those paid in full, and (with them) in part


def find_shortest_lie(
    targets: Sequence[Target],
    score: Score,
    judge: Judge,
    *,
    check: str,
    budget: Budget | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> LieReport:
    """The first lie found, shrunk. `check` names the check, for the report."""
    ledger = Ledger(score, judge, budget or Budget(), clock)
    rng = random.Random(f"lie {seed}")
    hunts = [
        _Hunt(Stake(ledger, target, number), random.Random(f"{seed} {number}"))
        for number, target in enumerate(targets)
    ]
    ending: LieEnding = "nothing at stake"
    lie = None
    try:
        lie = _search(hunts, rng)
        ending = "found" if lie else ending
    except OutOfBudgetError:
        ending = "calls" if ledger.calls >= ledger.budget.calls else "seconds"
    remarks = [f"Prompt {h.stake.prompt + 1}: {h.stake.remark}." for h in hunts if h.stake.remark]
    return LieReport(
        lie, check, len(targets), ledger.tried, len(ledger.said), ledger.calls, ledger.seconds,
        ending, seed, tuple(remarks),
    )  # fmt: skip


def _search(hunts: Sequence[_Hunt], rng: random.Random) -> Lie | None:
    """None where nothing is at stake on any prompt."""
    for hunt in hunts:
        if lie := hunt.begin():
            return lie
    open_ones = [hunt for hunt in hunts if hunt.stake.full is not None]
    while open_ones:
        for hunt in open_ones:
            if lie := hunt.mutate():
                return lie
    return None


@dataclass
class _Hunt:
    """The search on one prompt. `parents`: what may be mutated, with what it earned."""

    stake: Stake
    rng: random.Random
    parents: list[tuple[float, str]] = field(default_factory=list)
    material: Material | None = None
    beginnings: list[Candidate] = field(default_factory=list)
    rounds: int = 0

    def begin(self) -> Lie | None:
        stake = self.stake
        texts = list_beginnings(stake.target, self.rng)
        found = [stake.candidate(text, origin) for text, origin in texts.items()]
        stake.open(found)
        if stake.full is None:
            return None
        answers = list_answers(stake.target, self.rng)
        others = [text for text in texts if 0 < len(text) <= LONGEST]
        self.material = Material(stake.target, answers, others)
        self.beginnings = found
        self._adopt(found)
        return self._take(found)

    def mutate(self) -> Lie | None:
        """One round: children of what pays."""
        self.rounds += 1
        if self.rounds == PATIENCE:
            self.stake.takes_spelling = True
            if lie := self._take(self.beginnings):
                return lie
        children = self._breed()
        self._adopt(children)
        return self._take(children)

    def _breed(self) -> list[Candidate]:
        assert self.material
        children: dict[str, Candidate] = {}
        for _ in range(CHILDREN * DRAWS):
            text, name = mutate(self.rng, self._draw_parent(), self.material)
            child = self.stake.candidate(text, f"mutation: {name}")
            if key_of(child) not in self.stake.ledger.paid:
                children[text] = child
            if len(children) >= CHILDREN:
                break
        return list(children.values())

    def _draw_parent(self) -> str:
        """Half of them are paid in full; others in part, and a few not at all."""
        full, share = self.stake.full or 0.0, self.rng.random()
        chosen = [text for reward, text in self.parents if reward >= full]
        if share > FULL_SHARE or not chosen:
            chosen = [text for reward, text in self.parents if reward > self.stake.lowest]
        if share > PART_SHARE or not chosen:
            chosen = [text for _, text in self.parents]
        return self.rng.choice(chosen or [""])

    def _take(self, candidates: Sequence[Candidate]) -> Lie | None:
        """The lie among them, shrunk and confirmed."""
        lies = self.stake.list_lies(candidates)
        shrunk = [self._shrink(lie) for lie in lies[:MOST_SHRUNK]]
        for lie in sorted(shrunk, key=lambda lie: (not lie.is_minimal, len(lie.completion))):
            if self.stake.is_confirmed(self.stake.candidate(lie.completion)):
                return lie
        return None

    def _adopt(self, candidates: Sequence[Candidate]) -> None:
        """They become parents of the next rounds; where they are many, half of these the best."""
        rewards = self.stake.ledger.get_paid(candidates)
        self.parents += [
            (reward, one.text)
            for reward, one in zip(rewards, candidates, strict=True)
            if reward is not None and len(one.text) <= LONGEST
        ]
        if len(self.parents) > MOST_PARENTS:
            best = sorted(self.parents, key=lambda pair: (-pair[0], len(pair[1]), pair[1]))
            rest = best[MOST_PARENTS // 2 :]
            self.parents = best[: MOST_PARENTS // 2] + self.rng.sample(rest, MOST_PARENTS // 2)

    def _shrink(self, lie: Candidate) -> Lie:
        stake = self.stake
        text, is_minimal = shrink(lie.text, stake.holds)
        final = replace(lie, text=text)
        paid, said = stake.ledger.paid[key_of(final)], stake.ledger.said[key_of(final)]
        return Lie(
            prompt=stake.prompt,
            completion=text,
            reward=paid.reward or 0.0,
            full_pay=stake.full or 0.0,
            scores=paid.scores,
            reasons=paid.reasons,
            flags=paid.flags,
            reason=said.reason,
            origin=lie.origin,
            first_length=len(lie.text),
            is_minimal=is_minimal,
        )
