"""How a batch went that a judge was asked about: tokens, cost, latency, failures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rft_core.rewards.contract import FunctionReport
from rft_core.rewards.judge.cache import JudgeScore

JudgeAnswer = JudgeScore | str  # or why there is no score


def report_batch(
    name: str,
    answers: Sequence[JudgeAnswer],
    fresh: Sequence[JudgeScore],
    *,
    calls: int,
    prices: tuple[float, float],
    seconds: float,
    cache_problem: str = "",
) -> FunctionReport:
    """`answers`: one for each completion, or why there is none; `fresh`: those just asked for.

    `calls`: questions that were sent; `prices`: of a million tokens asked, and answered;
    `cache_problem`: why scores cannot be kept as was wished, which costs no score.
    """
    failures = [answer for answer in answers if isinstance(answer, str)]
    tokens_in = float(sum(answer.reply.tokens_in for answer in fresh))
    tokens_out = float(sum(answer.reply.tokens_out for answer in fresh))
    latencies = [answer.reply.seconds for answer in fresh]
    metrics = {
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "calls": float(calls),
        "cached": float(sum(isinstance(one, JudgeScore) and one.cached for one in answers)),
        "failures": float(len(failures)),
        "retries": float(sum(answer.reply.retries for answer in fresh)),
        "latency_mean": math.fsum(latencies) / len(latencies) if latencies else 0.0,
        "latency_max": max(latencies, default=0.0),
        "cost": (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6,
    }
    errors = []
    if failures:
        errors.append(f"failed on {len(failures)} of {len(answers)} completions: {failures[0]}")
    if cache_problem:
        errors.append(cache_problem)
    return FunctionReport(
        name,
        seconds,
        error=f"The judge '{name}' {'; '.join(errors)}." if errors else None,
        error_kind="exception" if failures else "cache" if cache_problem else None,
        error_sample=next((i for i, one in enumerate(answers) if isinstance(one, str)), None),
        extras={"judge_seconds": [_seconds(answer) for answer in answers]},
        metrics=metrics,
    )


def _seconds(answer: JudgeAnswer) -> str:
    return f"{answer.reply.seconds:.3f}" if isinstance(answer, JudgeScore) else ""
