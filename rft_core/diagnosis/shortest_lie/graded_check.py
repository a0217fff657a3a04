"""A check made of graders: a task's own, a truth that is only logged, or a user's function.

What decides in the set must have the full score (`rewards/deciding.py`). A task's graders want one
form; `is_fair` asks them about every fair reading of a completion, written in that form.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from rft_core.diagnosis.probes.forms import THINK_ANSWER, read_completion
from rft_core.diagnosis.probes.target import NEUTRAL, Target
from rft_core.diagnosis.shortest_lie.opinion import Candidate, Opinion
from rft_core.diagnosis.shortest_lie.readings import list_readings
from rft_core.diagnosis.shortest_lie.row_gold import says_gold
from rft_core.rewards.contract import Batch, Scored
from rft_core.rewards.deciding import find_deciding, is_right
from rft_core.rewards.scorer import Scorer

MOST_READINGS = 4  # of one completion, besides the completion itself


@dataclass
class GradedCheck:
    """`_believed`: by prompt, whether the check agrees that the target's answer is right."""

    scorer: Scorer
    is_fair: bool
    _believed: dict[int, bool] = field(default_factory=dict)

    def judge(self, candidates: Sequence[Candidate]) -> list[Opinion]:
        """Right where one reading is; unknown where one could not be judged; else wrong."""
        if self.is_fair:
            self._learn(candidates)
        asked = [(i, text) for i, one in enumerate(candidates) for text in self._spell(one)]
        found: list[list[Opinion]] = [[] for _ in candidates]
        opinions = self._grade([replace(candidates[i], text=text) for i, text in asked])
        for (i, _), opinion in zip(asked, opinions, strict=True):
            found[i].append(opinion)
        return [self._sum_up(one, own) for one, own in zip(candidates, found, strict=True)]

    def _spell(self, candidate: Candidate) -> Iterator[str]:
        yield candidate.text
        if self.is_fair:
            readings = list_readings(candidate.text, candidate.target.form)
            for reading in readings[:MOST_READINGS]:
                text = _write(candidate.target, reading.answer)
                if text != candidate.text:
                    yield text

    def _sum_up(self, candidate: Candidate, opinions: Sequence[Opinion]) -> Opinion:
        right = next((one for one in opinions if one.right), None)
        if right:
            return right
        if self.is_fair and self._believed.get(candidate.prompt) and says_gold(candidate):
            return Opinion(True, "Its answer is the row's gold answer.")
        unknown = next((one for one in opinions if one.right is None), None)
        return unknown or opinions[0]

    def _grade(self, candidates: Sequence[Candidate]) -> list[Opinion]:
        batch = Batch(
            prompts=[one.target.case.prompt for one in candidates],
            completions=[one.text for one in candidates],
            rows=[one.target.case.row for one in candidates],
        )
        return [self._read(scored) for scored in self.scorer.score(batch).samples]

    def _read(self, scored: Scored) -> Opinion:
        """With the reason of the first function that decides against it."""
        names = [entry.name for entry in find_deciding(self.scorer.reward_set)]
        right = is_right(self.scorer.reward_set, scored)
        against = [name for name in names if scored.scores[name] != 1.0] or names
        reason = scored.reasons[against[0]] or f"'{against[0]}' gives {scored.scores[against[0]]}."
        return Opinion(right, reason)

    def _learn(self, candidates: Sequence[Candidate]) -> None:
        """A gold answer found in some column is no gold answer where the check calls it wrong."""
        new = {one.prompt: one for one in candidates if one.prompt not in self._believed}
        golds = [
            replace(one, text=_write(one.target, one.target.answer.strip())) for one in new.values()
        ]
        if golds:
            said = self._grade(golds)
            self._believed |= {n: bool(one.right) for n, one in zip(new, said, strict=True)}


def _write(target: Target, answer: str) -> str:
    """The answer in the form of the task's own gold completion."""
    gold = target.case.gold
    form = THINK_ANSWER if gold is None else read_completion(gold).form
    return form.write(NEUTRAL[: NEUTRAL.index(".") + 1], answer)
