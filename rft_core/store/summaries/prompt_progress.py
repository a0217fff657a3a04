"""How often each prompt was solved as a run went on: which prompts were learned, which forgotten.

A prompt comes back every epoch. Of its visits the first, the last and some between are looked at,
and of many prompts an even choice: a look at a million completions would take seconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rft_core.store.sqlite.without_pandas import Database
from rft_core.store.summaries.reward_counts import spread

MOST_PROMPTS = 300
MOST_VISITS = 8
CHANGED = 0.5  # of the completions more, or fewer, than at the first visit
FULL = 1.0  # a score that says: right

Outcome = Literal["learned", "forgotten", "always solved", "never solved", "in between"]


@dataclass(frozen=True)
class PromptVisit:
    """A prompt at one step: `passed` of the `judged` completions were right."""

    step: int
    passed: int
    judged: int

    @property
    def rate(self) -> float:
        return self.passed / self.judged


@dataclass(frozen=True)
class PromptProgress:
    """`visits`: those that were looked at, at least one; `times`: how many steps there were."""

    prompt_id: int
    times: int
    visits: tuple[PromptVisit, ...]

    @property
    def outcome(self) -> Outcome:
        """By the visits looked at; a change needs two."""
        change = self.visits[-1].rate - self.visits[0].rate
        if abs(change) >= CHANGED:
            return "learned" if change > 0 else "forgotten"
        rates = {visit.rate for visit in self.visits}
        if rates == {1.0}:
            return "always solved"
        return "never solved" if rates == {0.0} else "in between"


def list_prompt_progress(
    db: Database, truth: Sequence[str], *, split: str = "train"
) -> tuple[list[PromptProgress], int]:
    """Those looked at, and how many prompts there are. Without what judges (`truth`), none."""
    sql = (
        "SELECT prompt_id, step FROM generations "
        "WHERE prompt_id IN (SELECT id FROM prompts WHERE split = ?) GROUP BY prompt_id, step"
    )
    steps: dict[int, list[int]] = {}
    for prompt_id, step in db.execute(sql, [split]):
        steps.setdefault(prompt_id, []).append(step)
    if not truth:
        return [], len(steps)
    chosen = {prompt_id: steps[prompt_id] for prompt_id in spread(list(steps), MOST_PROMPTS)}
    read = (_read_progress(db, prompt_id, at, truth) for prompt_id, at in chosen.items())
    return [progress for progress in read if progress], len(steps)


def _read_progress(
    db: Database, prompt_id: int, steps: Sequence[int], truth: Sequence[str]
) -> PromptProgress | None:
    """None where nothing could judge any of its completions."""
    looked_at = spread(steps, MOST_VISITS)
    marks, names = (", ".join("?" * len(values)) for values in (looked_at, truth))
    sql = (
        "SELECT g.step, g.id, s.score FROM generations g JOIN scores s ON s.generation_id = g.id "
        f"WHERE g.prompt_id = ? AND g.step IN ({marks}) AND s.name IN ({names})"
    )
    scores: dict[int, dict[int, list[float | None]]] = {}
    for step, id, score in db.execute(sql, [prompt_id, *looked_at, *truth]):
        scores.setdefault(step, {}).setdefault(id, []).append(score)
    visits = tuple(visit for step in looked_at if (visit := _judge(step, scores.get(step, {}))))
    return PromptProgress(prompt_id, len(steps), visits) if visits else None


def _judge(step: int, scores: Mapping[int, Sequence[float | None]]) -> PromptVisit | None:
    """`scores`: of each completion, by everything that decides."""
    known = [[s for s in found if s is not None] for found in scores.values() if None not in found]
    passed = sum(min(found) >= FULL for found in known)
    return PromptVisit(step, passed, len(known)) if known else None
