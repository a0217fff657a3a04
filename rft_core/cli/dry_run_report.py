"""What a dry run found, and what is said of a run: as JSON, and as lines. Decides nothing."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rft_core.cli.output import print_facts, print_table, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rft_core.diagnosis.finding import Finding
    from rft_core.diagnosis.preflight.forecast import Forecast, StepTime
    from rft_core.diagnosis.preflight.intervals import Prediction
    from rft_core.diagnosis.preflight.prompts import PassRates
    from rft_core.diagnosis.preflight.report import Preflight
    from rft_core.diagnosis.radar_report import RadarReading
    from rft_core.dry_run import DryRun
    from rft_core.jobs.judging.judge import JudgedPreflight, RunJudgement
    from rft_core.types import Problem


def as_document(result: DryRun) -> dict[str, Any]:
    """What the preflight says, and every group that it says it of."""
    verdict = preflight_document(result.preflight, result.data.group_size)
    return verdict | {"groups": _group_documents(result)}


def preflight_document(verdict: Preflight, group_size: int) -> dict[str, Any]:
    """`forecast` is of the first training step; all other shares are of what was tried."""
    rates, forecast = verdict.pass_rates, verdict.forecast
    return {
        "can_learn": verdict.can_learn,
        "verdict": verdict.verdict,
        "mean_reward": verdict.mean_reward,
        "zero_variance": verdict.zero_variance,
        "truncated": verdict.truncated,
        "unparsable": verdict.unparsable,
        "forecast": _forecast_document(forecast) if forecast else None,
        "pass_rates": _pass_rate_document(rates, group_size) if rates else None,
        "functions": [asdict(function) for function in verdict.functions],
        "warnings": [_warning_document(warning) for warning in verdict.warnings],
    }


def _warning_document(warning: Problem) -> dict[str, object]:
    return {
        "kind": warning.kind,
        "severity": _severity_word(warning),
        "message": warning.what,
        "function": warning.where or None,
        "fix": warning.fix,
    }


def _severity_word(warning: Problem) -> str:
    return "note" if warning.severity == "info" else warning.severity


def print_report(result: DryRun) -> None:
    _print_groups(result)
    verdict = result.preflight
    print_table(
        ("function", "mean", "first step", "lowest", "highest", "unscored", "seconds"),
        [
            (f.name, f.mean, _interval(verdict.forecast, f"rewards/{f.name}/mean"), f.lowest,
             f.highest, f.unscored, f.seconds)
            for f in verdict.functions
        ],
    )  # fmt: skip
    print()
    print_facts(_list_facts(verdict))
    print()
    for warning in verdict.warnings:
        print(printable(f"{_severity_word(warning)}: {warning.what}"))
        if warning.fix:
            print(printable(f"  → {warning.fix}"))
    if verdict.can_learn:
        print(printable(verdict.verdict))
    else:
        print("Training cannot learn yet.")


def _list_facts(verdict: Preflight) -> dict[str, object]:
    forecast, rates = verdict.forecast, verdict.pass_rates
    facts: dict[str, object] = {}
    if forecast:
        step = forecast.step
        facts["a step"] = f"{step.prompts} prompts x {step.num_generations} completions"
        facts["reward, first step"] = _interval(forecast, "reward")
        teaching = forecast.teaching
        facts["groups with a gradient"] = (
            f"{teaching.expected:.1f} of {step.prompts}, {teaching.low:.0f} to {teaching.high:.0f}"
        )
    facts["groups without, here"] = f"{verdict.zero_variance:.0%}"
    facts["cut off"] = f"{verdict.truncated:.0%}"
    if verdict.unparsable is not None:
        facts["no answer to take"] = f"{verdict.unparsable:.0%}"
    if rates:
        what = f"{rates.rule.function or 'reward'} ≥ {rates.rule.threshold:g}"
        facts["prompts solved"] = (
            f"never {len(rates.too_hard)}, sometimes {len(rates.between)}, "
            f"always {len(rates.too_easy)} ({what})"
        )
    if forecast and forecast.time.total is not None:
        facts["time per step"] = _time_text(forecast.time)
    return facts


def _interval(forecast: Forecast | None, metric: str) -> str:
    prediction = forecast.predictions.get(metric) if forecast else None
    if prediction is None:
        return "–"
    return f"{prediction.expected:.3f} ({prediction.low:.3f} to {prediction.high:.3f})"


def _time_text(time: StepTime) -> str:
    parts = f"sampling {time.sampling:.2g}, scoring {time.scoring:.2g}"
    return f"about {time.total:.2g} s: {parts}, update {time.update:.2g} (estimated)"


def _forecast_document(forecast: Forecast) -> dict[str, Any]:
    time = forecast.time
    return {
        "prompts": forecast.step.prompts,
        "num_generations": forecast.step.num_generations,
        "predictions": {
            metric: _prediction_document(prediction)
            for metric, prediction in forecast.predictions.items()
        },
        "teaching_groups": _prediction_document(forecast.teaching),
        "seconds": {**asdict(time), "total": time.total},
    }


def _prediction_document(prediction: Prediction) -> dict[str, float]:
    return {"expected": prediction.expected, "low": prediction.low, "high": prediction.high}


def _pass_rate_document(rates: PassRates, group_size: int) -> dict[str, Any]:
    return {
        "function": rates.rule.function or "reward",
        "threshold": rates.rule.threshold,
        "rates": rates.rates,
        "too_hard": rates.too_hard,
        "between": rates.between,
        "too_easy": rates.too_easy,
        "histogram": rates.histogram(group_size),
    }


def _group_documents(result: DryRun) -> list[dict[str, Any]]:
    from rft_core.rewards.scoring_file import as_json

    size, extras = result.data.group_size, result.extras
    groups = []
    for number, (row, prompt, group) in enumerate(
        zip(result.rows, result.prompts, result.groups, strict=True)
    ):
        first = number * size
        completions = [
            {
                "completion": completion.text,
                "truncated": completion.truncated,
                "advantage": result.advantages[first + i],
                **as_json(result.scoring.samples[first + i]),
                "extras": {
                    name: {column: values[first + i] for column, values in logged.items()}
                    for name, logged in extras.items()
                },
            }
            for i, completion in enumerate(group)
        ]
        groups.append({"row": row, "prompt": prompt, "completions": completions})
    return groups


def _print_groups(result: DryRun) -> None:
    from rft_core.rewards.contract import head_columns

    size, names = result.data.group_size, [report.name for report in result.scoring.reports]
    for number, group in enumerate(result.groups):
        print(printable(f"Prompt {number}: {dict(result.rows[number])}"))
        rows = []
        for i, completion in enumerate(group):
            sample = result.scoring.samples[number * size + i]
            scores = [sample.scores[name] for name in names]
            advantage = f"{result.advantages[number * size + i]:+.2f}"
            text = " ".join(completion.text.split())[:80]
            rows.append((*scores, sample.reward, advantage, text))
        own = ("reward", "advantage", "completion")
        print_table((*head_columns(names, own), *own), rows)


def judgement_document(judgement: RunJudgement) -> dict[str, Any]:
    """`preflight` is None where there was none."""
    return {
        "preflight": _preflight_document(judgement.preflight) if judgement.preflight else None,
        "findings": [finding_document(found) for found in judgement.findings],
        "ways_out": [
            {"name": way.name, "title": way.title, "what": way.what, "command": way.command}
            for way in judgement.ways_out
        ],
        "radar": _radar_document(judgement.radar) if judgement.radar else None,
    }


def finding_document(found: Finding) -> dict[str, Any]:
    """`message` is `summary` and `evidence` in one, as runs have always been shown."""
    return {
        "kind": found.kind,
        "severity": found.severity,
        "title": found.title,
        "where": found.where or None,
        "summary": found.summary,
        "evidence": found.evidence,
        "message": f"{found.summary} {found.evidence}",
        "fix": found.fix,
        "generations": list(found.generations),
        "missing": list(found.missing),
    }


def print_findings(findings: Sequence[Finding]) -> None:
    for found in findings:
        print(printable(f"\n{found.title}. {found.summary}\n  {found.evidence}\n  → {found.fix}"))
        if found.generations:
            shown = ", ".join(map(str, found.generations))
            print(f"  shown by the generations {shown}")


def print_judgement(judgement: RunJudgement) -> None:
    """Nothing where there is nothing to say."""
    if preflight := judgement.preflight:
        print(printable(f"\nPreflight, {preflight.tried}: {preflight.sentence}"))
    print_findings(judgement.findings)
    if judgement.radar and not judgement.radar.finding:
        print(printable(f"\nHack radar: {judgement.radar.sentence}"))
    for way in judgement.ways_out:
        print(printable(f"\n{way.title}: {way.what}"))
        if way.command:
            print(printable(f"  {way.command}"))


def _radar_document(radar: RadarReading) -> dict[str, Any]:
    """`generations`: ids of stored completions that are well paid and not right."""
    finding, parting = radar.finding, radar.parting
    return {
        "state": radar.state,
        "sentence": radar.sentence,
        "score": parting.score if parting else None,
        "parted_at": parting.parted_at if finding and parting else None,
        "generations": list(finding.generations) if finding else [],
    }


def _preflight_document(preflight: JudgedPreflight) -> dict[str, Any]:
    stored = preflight.stored
    return {
        "prompts": stored.prompts,
        "num_generations": stored.num_generations,
        "seconds": stored.seconds,
        **preflight_document(preflight.verdict, stored.num_generations),
        "sentence": preflight.sentence,
    }
