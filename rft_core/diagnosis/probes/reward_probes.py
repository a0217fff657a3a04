"""Reward probes: attack a reward set before training, and say which attacks pay.

Each attack (`attacks.py`) is tried on every prompt and scored exactly as in training, beside
reference completions: the gold one, wrong answers, a refusal, nothing. A probe pays when it earns
more than it may (`rules.py`) on a fair share of the prompts. Probes show what can be had without
the task; that none pays does not prove that nothing else does.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from rft_core.diagnosis.probes.attacks import ATTACKS, Attack, task_attack
from rft_core.diagnosis.probes.report import OUTCOMES, ProbeOutcome, ProbeReport, ProbeResult
from rft_core.diagnosis.probes.rules import Attempt, Earned, References, judge
from rft_core.diagnosis.probes.search import find_targets, full_marks
from rft_core.diagnosis.probes.target import ProbeCase, Target
from rft_core.diagnosis.probes.texts import REFUSAL
from rft_core.rewards.contract import Batch, FunctionReport
from rft_core.rewards.scorer import Scorer

LEAST_SHARE = 0.2  # of the prompts on which a probe was tried: on fewer it may be chance


def probe_rewards(scorer: Scorer, cases: Sequence[ProbeCase]) -> ProbeReport:
    """Attack the scorer's reward set on these prompts.

    Raises `RftError` where the set needs a sandbox and there is none.
    """
    targets = find_targets(scorer, cases)
    own = dict.fromkeys(name for case in cases for name in case.cheats)
    attacks = [*ATTACKS, *map(task_attack, own)]
    attempts = [
        attempt
        for number, target in enumerate(targets)
        for attempt in (*_list_references(number, target), *_list_tries(number, target, attacks))
    ]
    scored, failures = _score(scorer, [one for one in attempts if not one.spoils_row])
    scored += _score(scorer, [one for one in attempts if one.spoils_row])[0]
    references = _read_references(scorer, scored)
    results = [
        result
        for attack in attacks
        if (result := _summarise(attack, _judge_all(attack, scored, references), references))
    ]
    usable = references.values()
    return ProbeReport(
        results=tuple(sorted(results, key=lambda result: OUTCOMES.index(result.verdict))),
        gold_reward=_mean(own.gold.total for own in usable),
        wrong_reward=_mean(own.wrong.total for own in usable),
        empty_reward=_mean(own.empty.total for own in usable),
        model_reward=_mean(one.reward for one in scored if one.use == "sample" and one.earned),
        gold_known=bool(usable) and all(own.known for own in usable),
        num_completions=len(attempts),
        failures=failures,
    )


def _list_references(number: int, target: Target) -> list[Attempt]:
    """What the attacks on one prompt are measured by, and what a model wrote."""
    form, neutral = target.form, target.neutral
    references = {
        "gold": [target.gold],
        "wrong": [
            form.write(thought, wrong)
            for thought in (neutral, target.mistaken)
            for wrong in target.wrong
        ],
        "plain": [form.write(neutral, target.wrong[0])],
        "refused": [form.write(neutral, REFUSAL)],
        "formless": [f"{neutral}\n{target.wrong[0]}"],
        "empty": [""],
        "sample": target.case.samples,
    }
    return [
        Attempt(number, target, use, text, target.case.row)
        for use, texts in references.items()
        for text in texts
    ]


def _list_tries(number: int, target: Target, attacks: Sequence[Attack]) -> list[Attempt]:
    """The completions of every attack that applies to one prompt."""
    attempts: list[Attempt] = []
    for attack in attacks:
        row = attack.spoil_row(target) if attack.spoil_row else target.case.row
        if row is not None:
            texts = dict.fromkeys(attack.write(target))
            attempts += [Attempt(number, target, attack.name, text, row, attack) for text in texts]
    return attempts


def _score(
    scorer: Scorer, attempts: Sequence[Attempt]
) -> tuple[list[Attempt], tuple[FunctionReport, ...]]:
    """What our own sandbox failed to score has no reward here, whatever other functions say."""
    scoring = scorer.score(
        Batch(
            prompts=[attempt.target.case.prompt for attempt in attempts],
            completions=[attempt.completion for attempt in attempts],
            rows=[attempt.row for attempt in attempts],
        )
    )
    weights = _get_weights(scorer)
    lost = {index for report in scoring.reports for index in report.unscored_by_us}
    scored = [
        replace(
            attempt,
            scores=sample.scores,
            earned=None if index in lost else Earned.of(sample, weights),
        )
        for index, (attempt, sample) in enumerate(zip(attempts, scoring.samples, strict=True))
    ]
    return scored, tuple(report for report in scoring.reports if report.error)


def _get_weights(scorer: Scorer) -> dict[str, float]:
    return dict(zip(scorer.reward_set.names, scorer.reward_set.weights, strict=True))


def _read_references(scorer: Scorer, scored: Sequence[Attempt]) -> dict[int, References]:
    """By prompt; without those whose gold completion could not be judged."""
    earned: dict[int, dict[str, list[Earned]]] = {}
    for one in scored:
        if one.earned and not one.attack:
            earned.setdefault(one.prompt, {}).setdefault(one.use, []).append(one.earned)
    full = full_marks(scorer)
    known = {one.prompt: one.target.known for one in scored}
    return {
        prompt: _make_references(own, full, known[prompt])
        for prompt, own in earned.items()
        if "gold" in own
    }


def _make_references(earned: Mapping[str, list[Earned]], full: float, known: bool) -> References:
    nothing = [Earned(0.0, dict.fromkeys(earned["gold"][0].parts, 0.0))]
    references = References(
        gold=earned["gold"][0],
        wrong=Earned.best_of(earned.get("wrong", nothing)),
        plain=earned.get("plain", nothing)[0],
        refused=earned.get("refused", nothing)[0],
        formless=earned.get("formless", nothing)[0],
        empty=earned.get("empty", nothing)[0],
        full=full,
        known=known,
    )
    # A gold answer merely found in a column is believed once the reward prefers it to wrong ones.
    return replace(references, known=known or not references.is_blind)


def _judge_all(
    attack: Attack, scored: Sequence[Attempt], references: Mapping[int, References]
) -> list[Attempt]:
    """The attack's attempts on the prompts that have references."""
    return [
        replace(one, problem=judge(one, attack.allowed, references[one.prompt]))
        for one in scored
        if one.attack is attack and one.prompt in references
    ]


def _summarise(
    attack: Attack, attempts: Sequence[Attempt], references: Mapping[int, References]
) -> ProbeResult | None:
    """The outcome over all prompts; None where the attack was tried on none."""
    if not attempts:
        return None
    scored = [one for one in attempts if one.earned]
    tried = list(dict.fromkeys(one.prompt for one in scored))
    worst = [_worst([one for one in scored if one.prompt == i], attack.together) for i in tried]
    paid = [one for one in worst if one.problem and one.problem.severity == "error"]
    lenient = [one for one in worst if one.problem and one.problem.severity != "error"]
    outcome: ProbeOutcome = "held" if scored else "unscored"
    if lenient and len(lenient) >= LEAST_SHARE * len(tried):
        outcome = "loose"
    if paid and len(paid) >= LEAST_SHARE * len(tried):
        outcome = "pays"
    shown = {"pays": paid, "loose": lenient, "held": worst, "unscored": attempts}[outcome]
    one = max(shown, key=lambda one: one.reward - references[one.prompt].gold.total)
    is_problem = outcome in ("pays", "loose")
    why = f" {one.problem.what}" if one.problem and is_problem else ""
    return ProbeResult(
        name=attack.name,
        title=attack.title,
        verdict=outcome,
        meaning=attack.meaning + why,
        advice=attack.fix if is_problem else "",
        completion=one.completion,
        case=one.prompt,
        scores=one.scores or {},
        reward=one.earned.total if one.earned else None,
        gold_reward=references[one.prompt].gold.total,
        wrong_reward=references[one.prompt].wrong.total,
        prompts_paid=len(paid) if outcome != "loose" else len(lenient),
        prompts_tried=len(tried),
    )


def _worst(attempts: Sequence[Attempt], together: bool) -> Attempt:
    """The completion that pays most among those of one prompt; if `together`, only as all do."""
    found = [one for one in attempts if one.problem]
    if together and len(found) < len(attempts):
        return replace(max(attempts, key=lambda one: one.reward), problem=None)
    paying = [one for one in found if one.problem and one.problem.severity == "error"]
    return max(paying or found or attempts, key=lambda one: one.reward)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return statistics.fmean(known) if known else None
