"""What is at stake on one prompt: its full pay, and which of the paid completions are lies.

Full pay is the most that a right completion was seen to earn. It is not the most that any earned:
a reward for length has no most. Where right ones earn no more than the worst, it is the most seen.
A lie must earn what its honest twin does, the same completion with the right answer.

A right answer in the digits of another script is a lie of spelling only: others are looked for
first, see `takes_spelling`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from rft_core.diagnosis.probes.target import Target
from rft_core.diagnosis.shortest_lie.beginnings import list_golds, write_twins
from rft_core.diagnosis.shortest_lie.ledger import Ledger
from rft_core.diagnosis.shortest_lie.opinion import Candidate

SLACK = 1e-6  # of a reward: rounding
MOST_TWINNED = 8  # lies whose honest twins are written; more are not asked for at once
JUDGED_AT_ONCE = 32
CONFIRMATIONS = 2
NOT_ACCEPTED = "the check does not accept its own right completion"


@dataclass
class Stake:
    """One prompt. `full` None: nothing is at stake, `remark` says why."""

    ledger: Ledger
    target: Target
    prompt: int
    full: float | None = None
    lowest: float = 0.0
    remark: str = ""
    takes_spelling: bool = False
    refused: set[str] = field(default_factory=set)

    def candidate(self, text: str, origin: str = "") -> Candidate:
        return Candidate(self.target, self.prompt, text, origin)

    def open(self, beginnings: Sequence[Candidate]) -> None:
        """Learn the full pay from scored beginnings."""
        rewards = [reward for reward in self.ledger.get_paid(beginnings) if reward is not None]
        if not rewards:
            self.remark = "no completion of it could be scored"
            return
        self.lowest, highest = min(rewards), max(rewards)
        if highest == self.lowest <= 0:
            self.remark = f"every completion of it earns {highest:g}"
            return
        known = [self.candidate(text) for text in list_golds(self.target)]
        known += [self.candidate(text) for text in self.target.case.samples]
        right = self._list_right_rewards(known)
        if not right and self.target.case.gold is not None:
            self.remark = NOT_ACCEPTED
            return
        best = max(right, default=self.lowest)
        self.full = best if best > self.lowest else highest
        self._raise_full(beginnings)

    def list_lies(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Those that are paid in full and wrong, shortest first. May raise the full pay."""
        self._raise_full(candidates)
        lies = self._list_shortest_wrong(candidates)
        twins = [twin for one in lies for twin in write_twins(self.target, one.text)]
        self._raise_full([self.candidate(twin) for twin in twins])
        return self._list_wrong(lies)

    def holds(self, texts: Sequence[str]) -> list[bool]:
        """Of each text, whether it is a lie."""
        candidates = [self.candidate(text) for text in texts]
        lies = {one.text for one in self._list_wrong(candidates)}
        return [text in lies for text in texts]

    def is_confirmed(self, lie: Candidate) -> bool:
        """Whether it is paid in full alone too, and again; and its honest twin earns no more."""
        self.ledger.in_overtime = True
        alone = [self.ledger.pay_alone(lie) for _ in range(CONFIRMATIONS)]
        is_lie = all(map(self._is_full, alone)) and bool(self.list_lies([lie]))
        self.ledger.in_overtime = False
        if not is_lie:
            self.refused.add(lie.text)
        return is_lie

    def _list_shortest_wrong(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """A few, shortest first: a check may be slow, and the long ones are not needed."""
        paid = sorted(self._paid_in_full(candidates), key=lambda one: (len(one.text), one.text))
        lies: list[Candidate] = []
        for start in range(0, len(paid), JUDGED_AT_ONCE):
            lies += self._list_wrong(paid[start : start + JUDGED_AT_ONCE])
            if len(lies) >= MOST_TWINNED:
                break
        return lies[:MOST_TWINNED]

    def _list_wrong(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        paid = [one for one in self._paid_in_full(candidates) if one.text not in self.refused]
        opinions = self.ledger.get_opinions(paid)
        wrong = [one for one, said in zip(paid, opinions, strict=True) if said.right is False]
        if self.takes_spelling:
            return wrong
        return [one for one in wrong if not self._is_spelling(one)]

    def _is_spelling(self, lie: Candidate) -> bool:
        plain = with_plain_digits(lie.text)
        if plain == lie.text:
            return False
        return self.ledger.get_opinions([self.candidate(plain)])[0].right is True

    def _paid_in_full(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        rewards = self.ledger.get_paid(candidates)
        return [one for one, r in zip(candidates, rewards, strict=True) if self._is_full(r)]

    def _is_full(self, reward: float | None) -> bool:
        return reward is not None and self.full is not None and reward >= self.full - SLACK

    def _raise_full(self, candidates: Sequence[Candidate]) -> None:
        """What a right completion earns can be earned honestly, and is the full pay then."""
        above = [
            one
            for one, reward in zip(candidates, self.ledger.get_paid(candidates), strict=True)
            if reward is not None and self.full is not None and reward > self.full + SLACK
        ]
        self.full = max([*self._list_right_rewards(above), self.full or 0.0])

    def _list_right_rewards(self, candidates: Sequence[Candidate]) -> list[float]:
        rewards = self.ledger.get_paid(candidates)
        opinions = self.ledger.get_opinions(candidates)
        return [
            reward
            for reward, said in zip(rewards, opinions, strict=True)
            if said.right and reward is not None
        ]


def with_plain_digits(text: str) -> str:
    """Digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in text)
