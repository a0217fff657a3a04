"""Reward probes: attack a reward set before training, and say which attacks pay.

Each attack (`attacks.py`) is tried on every prompt and scored exactly as in training, beside
completions that serve as yardsticks: the gold one, wrong answers, a refusal, nothing. A probe pays
when it earns more than it is owed (`rules.py`) on a fair share of the prompts. Probes show
what can be had without the task; that none pays does not prove that nothing else does.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from rft_core.diagnosis.probes.attacks import ATTACKS, Attack, task_attack
from rft_core.diagnosis.probes.report import VERDICTS, ProbeReport, ProbeResult, Verdict, explain
from rft_core.diagnosis.probes.rules import Attempt, Earned, Finding, Yardsticks, judge
from rft_core.diagnosis.probes.search import find_targets
from rft_core.diagnosis.probes.target import ProbeCase, Target
from rft_core.diagnosis.probes.texts import REFUSAL
from rft_core.rewards.contract import Batch, FunctionReport, Scored
from rft_core.rewards.scorer import Scorer
from rft_core.types import Row

LEAST_SHARE = 0.2  # of the prompts on which a probe was tried: on fewer it may be chance

YARDSTICKS = ("gold", "wrong", "plain", "refused", "naked", "empty", "sample")


@dataclass(frozen=True)
class _Shot:
    """One completion to score: of an attack, or one of `YARDSTICKS`. `target` is an index."""

    target: int
    completion: str
    row: Row
    use: str
    attack: Attack | None = None

    @property
    def spoils_row(self) -> bool:
        """Such a row is no row of the user's: a function may well raise on it."""
        return self.attack is not None and self.attack.spoil_row is not None


@dataclass(frozen=True)
class _Hit:
    """An attack's completion, scored, beside the yardsticks of its prompt."""

    shot: _Shot
    sample: Scored
    marks: Yardsticks
    finding: Finding | None

    @property
    def gain(self) -> float:
        return (self.sample.reward or 0.0) - self.marks.gold.total


def probe_rewards(scorer: Scorer, cases: Sequence[ProbeCase]) -> ProbeReport:
    """Attack the scorer's reward set on these prompts.

    Raises `RftError` where the set needs a sandbox and there is none.
    """
    targets = find_targets(scorer, cases)
    own = dict.fromkeys(name for case in cases for name in case.cheats)
    attacks = [*ATTACKS, *map(task_attack, own)]
    shots = [shot for i, target in enumerate(targets) for shot in _list_shots(i, target, attacks)]
    samples, failures = _score(scorer, targets, [shot for shot in shots if not shot.spoils_row])
    samples += _score(scorer, targets, [shot for shot in shots if shot.spoils_row])[0]
    weights = dict(zip(scorer.reward_set.names, scorer.reward_set.weights, strict=True))
    marks = [_read_marks(i, target, samples, weights) for i, target in enumerate(targets)]
    results = [
        result
        for attack in attacks
        if (result := _summarise(attack, _list_hits(attack, samples, targets, marks, weights)))
    ]
    usable = [own for own in marks if own]
    model = [s.reward for shot, s in samples if shot.use == "sample" and s.reward is not None]
    return ProbeReport(
        results=tuple(sorted(results, key=lambda result: VERDICTS.index(result.verdict))),
        gold_reward=_mean(own.gold.total for own in usable),
        wrong_reward=_mean(own.wrong.total for own in usable),
        empty_reward=_mean(own.empty.total for own in usable),
        model_reward=_mean(model),
        gold_known=bool(usable) and all(own.known for own in usable),
        num_completions=len(shots),
        failures=failures,
    )


def _list_shots(index: int, target: Target, attacks: Sequence[Attack]) -> list[_Shot]:
    """Yardsticks and attacks of one prompt."""
    row, form, neutral = target.case.row, target.form, target.neutral
    yardsticks = {
        "gold": [target.gold],
        "wrong": [
            form.write(thought, wrong)
            for thought in (neutral, target.mistaken)
            for wrong in target.wrong
        ],
        "plain": [form.write(neutral, target.wrong[0])],
        "refused": [form.write(neutral, REFUSAL)],
        "naked": [f"{neutral}\n{target.wrong[0]}"],
        "empty": [""],
        "sample": target.case.samples,
    }
    shots = [_Shot(index, text, row, use) for use in YARDSTICKS for text in yardsticks[use]]
    for attack in attacks:
        attacked = attack.spoil_row(target) if attack.spoil_row else row
        if attacked is not None:
            texts = dict.fromkeys(attack.write(target))
            shots += [_Shot(index, text, attacked, attack.name, attack) for text in texts]
    return shots


def _score(
    scorer: Scorer, targets: Sequence[Target], shots: Sequence[_Shot]
) -> tuple[list[tuple[_Shot, Scored]], tuple[FunctionReport, ...]]:
    """What our own sandbox failed to score has no reward here, whatever other functions say."""
    scoring = scorer.score(
        Batch(
            prompts=[targets[shot.target].case.prompt for shot in shots],
            completions=[shot.completion for shot in shots],
            rows=[shot.row for shot in shots],
        )
    )
    failures = tuple(report for report in scoring.reports if report.error)
    lost = {index for report in scoring.reports for index in report.infra_samples}
    samples = [
        replace(sample, reward=None) if index in lost else sample
        for index, sample in enumerate(scoring.samples)
    ]
    return list(zip(shots, samples, strict=True)), failures


def _read_marks(
    index: int,
    target: Target,
    samples: Sequence[tuple[_Shot, Scored]],
    weights: Mapping[str, float],
) -> Yardsticks | None:
    """The yardsticks of one prompt; None where its gold completion could not be scored."""
    earned: dict[str, list[Earned]] = {}
    for shot, sample in samples:
        one = Earned.of(sample, weights) if shot.target == index and not shot.attack else None
        if one:
            earned.setdefault(shot.use, []).append(one)
    if "gold" not in earned:
        return None
    nothing = [Earned(0.0, dict.fromkeys(earned["gold"][0].parts, 0.0))]
    marks = Yardsticks(
        gold=earned["gold"][0],
        wrong=Earned.best_of(earned.get("wrong", nothing)),
        plain=earned.get("plain", nothing)[0],
        refused=earned.get("refused", nothing)[0],
        naked=earned.get("naked", nothing)[0],
        empty=earned.get("empty", nothing)[0],
        full=sum(max(weight, 0.0) for weight in weights.values()),
        answer=target.answer,
        known=target.known,
    )
    # A gold answer merely found in a column is believed once the reward prefers it to wrong ones.
    return replace(marks, known=marks.known or not marks.is_blind)


def _list_hits(
    attack: Attack,
    samples: Sequence[tuple[_Shot, Scored]],
    targets: Sequence[Target],
    marks: Sequence[Yardsticks | None],
    weights: Mapping[str, float],
) -> list[_Hit]:
    hits = []
    for shot, sample in samples:
        own = marks[shot.target]
        if shot.attack is attack and own:
            earned = Earned.of(sample, weights)
            target = targets[shot.target]
            fits, wrong = target.form.fits(shot.completion), target.is_wrong_answer(shot.completion)
            finding = judge(Attempt(attack.debt, earned, fits, wrong), own) if earned else None
            hits.append(_Hit(shot, sample, own, finding))
    return hits


def _summarise(attack: Attack, hits: Sequence[_Hit]) -> ProbeResult | None:
    """The verdict over all prompts; None where the attack was tried on none."""
    scored = [hit for hit in hits if hit.sample.reward is not None]
    if not hits:
        return None
    tried = list(dict.fromkeys(hit.shot.target for hit in scored))
    worst = [_worst([h for h in scored if h.shot.target == i], attack.together) for i in tried]
    paid = [hit for hit in worst if hit.finding and not hit.finding.loose]
    loose = [hit for hit in worst if hit.finding and hit.finding.loose]
    verdict: Verdict = "held" if scored else "unscored"
    for name, found in (("loose", loose), ("pays", paid)):
        if found and len(found) >= LEAST_SHARE * len(tried):
            verdict = "pays" if name == "pays" else "loose"
    shown = {"pays": paid, "loose": loose, "held": worst, "unscored": hits}[verdict]
    hit = max(shown, key=lambda hit: hit.gain)
    meaning = attack.meaning
    if hit.finding and verdict in ("pays", "loose"):
        gold, wrong = hit.marks.gold.total, hit.marks.wrong.total
        meaning += " " + explain(hit.finding, hit.sample.reward or 0.0, gold, wrong)
    return ProbeResult(
        name=attack.name,
        title=attack.title,
        verdict=verdict,
        meaning=meaning,
        advice=attack.fix if verdict in ("pays", "loose") else "",
        completion=hit.shot.completion,
        case=hit.shot.target,
        scores=hit.sample.scores,
        reward=hit.sample.reward,
        gold_reward=hit.marks.gold.total,
        wrong_reward=hit.marks.wrong.total,
        prompts_paid=len(paid) if verdict != "loose" else len(loose),
        prompts_tried=len(tried),
    )


def _worst(hits: Sequence[_Hit], together: bool) -> _Hit:
    """The completion that pays most among those of one prompt; if `together`, only as all do."""
    found = [hit for hit in hits if hit.finding]
    if together and len(found) < len(hits):
        return replace(max(hits, key=lambda hit: hit.gain), finding=None)
    paying = [hit for hit in found if hit.finding and not hit.finding.loose]
    return max(paying or found or hits, key=lambda hit: hit.gain)


def _mean(values: Iterable[float]) -> float | None:
    known = list(values)
    return statistics.fmean(known) if known else None
