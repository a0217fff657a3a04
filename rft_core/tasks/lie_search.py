"""Search a reward set for its shortest lie, with the independent check that there is.

In this order: a check that the user gives; a truth of weight 0 in the set; the task's own graders,
unless the set is paid by these; the row's gold answer. Scores in the sandbox, as training does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from rft_core.diagnosis.probes.search import COSTLY_GRADERS, find_targets
from rft_core.diagnosis.probes.target import ProbeCase
from rft_core.diagnosis.shortest_lie.graded_check import GradedCheck
from rft_core.diagnosis.shortest_lie.ledger import Budget
from rft_core.diagnosis.shortest_lie.opinion import Candidate, Judge
from rft_core.diagnosis.shortest_lie.report import LieReport
from rft_core.diagnosis.shortest_lie.row_gold import judge_by_row
from rft_core.diagnosis.shortest_lie.search import find_shortest_lie
from rft_core.errors import BadInputError
from rft_core.rewards.contract import ABOUT_FORM, Batch, RewardEntry, RewardSet, Scored
from rft_core.rewards.deciding import find_deciding
from rft_core.rewards.scorer import Scorer
from rft_core.tasks.task import Task

SECONDS_A_BATCH = 5.0  # a completion that hangs the reward must not take the whole budget
ROW_CHECK = "the row's gold answer"


@dataclass(frozen=True)
class CheckChoice:
    """What judges: the deciding functions of `rewards`, or where it is None the row's gold answer.

    `is_fair`: a completion counts as wrong only where every fair reading of it is.
    """

    title: str
    rewards: RewardSet | None = None
    is_fair: bool = False


def choose_check(
    task: Task | None, reward_set: RewardSet, given: RewardSet | None = None
) -> CheckChoice:
    """The first of the independent checks that there is; see above."""
    if given is not None:
        decide = ", ".join(entry.name for entry in find_deciding(given))
        return CheckChoice(f"the check that was given ({decide})", given)
    logged = tuple(e for e in reward_set.entries if e.weight == 0 and e.name in reward_set.truth)
    if logged:
        names = tuple(entry.name for entry in logged)
        truth = RewardSet(logged, reward_set.name, names)
        return CheckChoice(f"the set's own truth ({', '.join(names)}), which is only logged", truth)
    if task and not _is_paid_by(reward_set, find_deciding(task.reward_set)):
        return CheckChoice(f"the graders of the task {task.name}", _decide(task), is_fair=True)
    return CheckChoice(ROW_CHECK)


def search_lie(
    reward_set: RewardSet,
    cases: Sequence[ProbeCase],
    task: Task | None = None,
    *,
    given: RewardSet | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
) -> LieReport:
    """Search on these prompts.

    Raises `BadInputError` where there is no independent check, or where scoring costs money.
    """
    _refuse_costly(reward_set)
    choice = choose_check(task, reward_set, given)
    alone = replace(reward_set, entries=tuple(replace(e, in_group="") for e in reward_set.entries))
    with ExitStack() as stack:
        scorer = stack.enter_context(Scorer(alone, timeout=SECONDS_A_BATCH))
        scorer.require_sandbox()
        judge: Judge = judge_by_row
        if choice.rewards:
            _refuse_costly(choice.rewards)
            checker = stack.enter_context(Scorer(choice.rewards, timeout=SECONDS_A_BATCH))
            judge = GradedCheck(checker, choice.is_fair).judge
        targets = find_targets(scorer, cases)
        _refuse_silent(judge, [Candidate(t, i, text) for i, t in enumerate(targets)
                               for text in ("", t.gold)], choice)  # fmt: skip
        return find_shortest_lie(
            targets,
            _scoring_with(scorer),
            judge,
            check=choice.title,
            budget=budget,
            seed=seed,
            clock=clock,
        )


def _scoring_with(scorer: Scorer) -> Callable[[Sequence[Candidate]], Sequence[Scored]]:
    """What our own sandbox failed to score has no reward, whatever other functions say."""

    def score(candidates: Sequence[Candidate]) -> Sequence[Scored]:
        batch = Batch(
            prompts=[one.target.case.prompt for one in candidates],
            completions=[one.text for one in candidates],
            rows=[one.target.case.row for one in candidates],
        )
        scoring = scorer.score(batch)
        lost = {index for report in scoring.reports for index in report.unscored_by_us}
        return [
            replace(sample, reward=None) if index in lost else sample
            for index, sample in enumerate(scoring.samples)
        ]

    return score


def _decide(task: Task) -> RewardSet:
    """What decides in the task, without gates of form: every fair reading is put in form."""
    deciding = find_deciding(task.reward_set)
    gates = {entry.only_if for entry in deciding} - set(ABOUT_FORM)
    needed = [
        entry for entry in task.reward_set.entries if entry in deciding or entry.name in gates
    ]
    entries = tuple(replace(e, only_if="") if e.only_if in ABOUT_FORM else e for e in needed)
    return RewardSet(entries, task.name, tuple(entry.name for entry in deciding))


def _is_paid_by(reward_set: RewardSet, entries: Sequence[RewardEntry]) -> bool:
    """Whether what would check is what pays."""
    paid = [(e.grader, dict(e.options), e.source) for e in reward_set.entries if e.weight > 0]
    return any((e.grader, dict(e.options), e.source) in paid for e in entries)


def _refuse_costly(reward_set: RewardSet) -> None:
    costly = [entry.name for entry in reward_set.entries if entry.grader in COSTLY_GRADERS]
    if costly:
        raise BadInputError(
            f"'{costly[0]}' asks a judge, and a search scores thousands of completions",
            "each would cost a call",
            "Search the set without it",
        )


def _refuse_silent(judge: Judge, candidates: Sequence[Candidate], choice: CheckChoice) -> None:
    if candidates and all(opinion.right is None for opinion in judge(candidates)):
        raise BadInputError(
            "There is no independent check of these rewards",
            f"{choice.title} could judge neither a right completion nor an empty one",
            "Add a function of weight 0 and mark it as the truth, or give a check of your own",
        )
