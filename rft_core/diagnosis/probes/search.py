"""Find, for each prompt, the completion that deserves the full reward, and the form that it has.

The task's own gold completion where it earns about full marks. Else the answers that the row may
hold, in every likely form: the reward itself says by its scores which form it wants.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rft_core.diagnosis.probes.answers import GoldCandidate, is_same, list_golds, wrong_answers
from rft_core.diagnosis.probes.forms import THINK_ANSWER, Form, list_forms, read_completion
from rft_core.diagnosis.probes.target import (
    ProbeCase,
    Target,
    neutral_thought,
    source_texts,
    source_words,
)
from rft_core.rewards.contract import Batch
from rft_core.rewards.scorer import Scorer

FULL_MARKS = 0.9  # of the sum of weights: the functions are content with it
MOST_CASES = 3  # on which forms are tried
OWN = ""  # the "column" of a task's own gold completion
UNKNOWN_ANSWER = "something"
COSTLY_GRADERS = {"judge"}  # each trial costs money


@dataclass(frozen=True)
class _GoldForm:
    """A way to write the gold completions of all cases: which answer, in which form."""

    form: Form | None  # None: as the task writes it
    column: str
    with_thought: bool


@dataclass(frozen=True)
class _Gold:
    form: Form
    thought: str
    answer: str

    @property
    def completion(self) -> str:
        return self.form.write(self.thought, self.answer)


def find_targets(scorer: Scorer, cases: Sequence[ProbeCase]) -> list[Target]:
    """One target for each case, with the same form for all as far as there is one."""
    chosen, is_full = _choose(scorer, cases)
    found = [_make_gold(chosen, case) for case in cases]
    golds = [gold or _fallback(scorer, case) for gold, case in zip(found, cases, strict=True)]
    trusted = chosen is not None and (chosen.column == OWN or is_full)
    answers = [gold.answer for gold in golds]
    words = source_words(scorer.reward_set)
    targets = []
    for index, (case, gold) in enumerate(zip(cases, golds, strict=True)):
        theirs = [*answers[:index], *answers[index + 1 :]]
        valid = [read_completion(other).answer for other in case.others]
        wrong = wrong_answers(gold.answer, [*valid, *theirs])
        common = Counter(answers).most_common(1)[0][0] if theirs else wrong[-1]
        targets.append(
            Target(
                case=case,
                form=gold.form,
                thought=gold.thought,
                answer=gold.answer,
                wrong=tuple(wrong),
                constant=common,
                gold_column=_find_column(case, gold.answer),
                words=words,
                known=trusted and found[index] is not None,
            )
        )
    return targets


def full_marks(scorer: Scorer) -> float:
    """The reward where every function gives 1."""
    return sum(max(weight, 0.0) for weight in scorer.reward_set.weights)


def _choose(scorer: Scorer, cases: Sequence[ProbeCase]) -> tuple[_GoldForm | None, bool]:
    """The best trial by mean reward, the first of equals; whether it earns full marks."""
    wanted = FULL_MARKS * full_marks(scorer)
    own = _GoldForm(None, OWN, True)
    own_mean = _means(scorer, [own], cases)[0]
    if own_mean is not None and own_mean >= wanted:
        return own, True
    costly = any(entry.grader in COSTLY_GRADERS for entry in scorer.reward_set.entries)
    if costly:
        return (own, False) if own_mean is not None else (None, False)
    trials = [own, *_list_trials(scorer, cases)]
    means = _means(scorer, trials, cases[:MOST_CASES])
    known = [(mean, -place) for place, mean in enumerate(means) if mean is not None]
    if not known:
        return None, False
    best, place = max(known)
    return trials[-place], best >= wanted


def _list_trials(scorer: Scorer, cases: Sequence[ProbeCase]) -> list[_GoldForm]:
    prompts = [str(message["content"]) for message in cases[0].prompt] if cases else []
    forms = list_forms([*prompts, *source_texts(scorer.reward_set)])
    columns = [(OWN, True)]
    for case in cases[:MOST_CASES]:
        columns += [(gold.column, bool(gold.thought)) for gold in _candidates(case)]
    return [_GoldForm(form, *column) for column in dict.fromkeys(columns) for form in forms]


def _means(
    scorer: Scorer, trials: Sequence[_GoldForm], cases: Sequence[ProbeCase]
) -> list[float | None]:
    """The mean reward of each trial; None where it gives no completion or nothing was scored."""
    texts = [
        (case, gold.completion, place)
        for case in cases
        for place, trial in enumerate(trials)
        if (gold := _make_gold(trial, case))
    ]
    rewards: list[list[float]] = [[] for _ in trials]
    for (_, _, place), reward in zip(texts, _score(scorer, texts), strict=True):
        if reward is not None:
            rewards[place].append(reward)
    return [statistics.fmean(own) if own else None for own in rewards]


def _score(scorer: Scorer, texts: Sequence[tuple[ProbeCase, str, int]]) -> list[float | None]:
    batch = Batch(
        prompts=[case.prompt for case, _, _ in texts],
        completions=[completion for _, completion, _ in texts],
        rows=[case.row for case, _, _ in texts],
    )
    return [sample.reward for sample in scorer.score(batch).samples]


def _make_gold(trial: _GoldForm | None, case: ProbeCase) -> _Gold | None:
    """The gold completion of a case by this trial; None where the row does not hold its answer."""
    if trial is None:
        return None
    if trial.column == OWN:
        if case.gold is None:
            return None
        own = read_completion(case.gold)
        thought = own.thought or ("" if trial.form is None else neutral_thought(0))
        return _Gold(trial.form or own.form, thought, own.answer)
    for found in _candidates(case):
        if found.column == trial.column and bool(found.thought) == trial.with_thought:
            assert trial.form
            return _Gold(trial.form, found.thought or neutral_thought(0), found.answer)
    return None


def _candidates(case: ProbeCase) -> list[GoldCandidate]:
    return list_golds(case.row, case.prompt_text)


def _fallback(scorer: Scorer, case: ProbeCase) -> _Gold:
    """Where nothing is known to be right: the best that the model wrote, or any text."""
    texts = [(case, sample, 0) for sample in case.samples]
    rewards = _score(scorer, texts)
    scored = [(r, text) for r, (_, text, _) in zip(rewards, texts, strict=True) if r is not None]
    if not scored:
        return _Gold(THINK_ANSWER, neutral_thought(0), UNKNOWN_ANSWER)
    read = read_completion(max(scored, key=lambda pair: pair[0])[1])
    return _Gold(read.form, read.thought, read.answer)


def _find_column(case: ProbeCase, answer: str) -> str:
    found: Iterable[str] = (
        gold.column for gold in _candidates(case) if is_same(gold.answer, answer)
    )
    return next(iter(found), "")
