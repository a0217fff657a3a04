"""The mistakes that people make in stories: a step left out, a wrong operation, a wrong number.

They make the wrong choices of the multiple-choice task, and the faults of the text from which a
base model learns to solve the stories badly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rft_core.tasks.stories.story import OPERATORS, Calculation, Step, Story


@dataclass(frozen=True)
class Mistake:
    """A wrong way to work out a story: its sort, its steps, and the value where they end."""

    sort: str
    steps: tuple[Step, ...]

    @property
    def value(self) -> int:
        return self.steps[-1].value


def list_mistakes(story: Story) -> list[Mistake]:
    """All that come out and end in a wrong value, in a fixed order."""
    plan, answer = story.kind.calculations, story.answer
    plans = [*_leave_out(plan), *_swap_operation(plan), *_swap_number(plan, list(story.numbers))]
    found = []
    for sort, calculations in plans:
        steps = story.work_out(calculations)
        if steps and steps[-1].value != answer:
            found.append(Mistake(sort, tuple(steps)))
    return found


Plan = Sequence[Calculation]


def _leave_out(plan: Plan) -> Iterator[tuple[str, Plan]]:
    """Each step but one: what used its value uses one of the numbers it was made of instead."""
    if len(plan) == 1:
        return
    yield "a step left out", plan[:-1]
    for left_out in plan[:-1]:
        for side in (left_out.left, left_out.right):
            rest = [_rename(one, left_out.name, side) for one in plan if one != left_out]
            if all(one.left != one.right for one in rest):
                yield "a step left out", rest


def _swap_operation(plan: Plan) -> Iterator[tuple[str, Plan]]:
    for place, one in enumerate(plan):
        for sign in OPERATORS:
            for left, right in ((one.left, one.right), (one.right, one.left)):
                if sign != one.operator:
                    other = replace(one, left=left, operator=sign, right=right)
                    yield "a wrong operation", _with(plan, place, other)


def _swap_number(plan: Plan, letters: Sequence[str]) -> Iterator[tuple[str, Plan]]:
    """One side of a step is another number of the question."""
    for place, one in enumerate(plan):
        for letter in letters:
            if letter in (one.left, one.right):
                continue
            yield "a wrong number", _with(plan, place, replace(one, left=letter))
            yield "a wrong number", _with(plan, place, replace(one, right=letter))


def _with(plan: Plan, place: int, one: Calculation) -> Plan:
    return [*plan[:place], one, *plan[place + 1 :]]


def _rename(one: Calculation, old: str, new: str) -> Calculation:
    sides = {"left": one.left, "right": one.right}
    return replace(one, **{place: new if side == old else side for place, side in sides.items()})
