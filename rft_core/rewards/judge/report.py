"""How a batch went that a judge was asked about: tokens, cost, latency, failures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rft_core.rewards.contract import FunctionReport
from rft_core.rewards.judge.cache import Verdict


def report_batch(
    name: str,
    verdicts: Sequence[Verdict | str],
    fresh: Sequence[Verdict],
    *,
    calls: int,
    prices: tuple[float, float],
    seconds: float,
    cache_problem: str = "",
) -> FunctionReport:
    """`verdicts`: one for each completion, or why there is none; `fresh`: those just asked for.

    `calls`: questions that were sent; `prices`: of a million tokens asked, and answered;
    `cache_problem`: why verdicts cannot be kept as was wished, which costs no score.
    """
    failures = [verdict for verdict in verdicts if isinstance(verdict, str)]
    tokens_in = float(sum(verdict.reply.tokens_in for verdict in fresh))
    tokens_out = float(sum(verdict.reply.tokens_out for verdict in fresh))
    latencies = [verdict.reply.seconds for verdict in fresh]
    metrics = {
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "calls": float(calls),
        "cached": float(sum(isinstance(one, Verdict) and one.cached for one in verdicts)),
        "failures": float(len(failures)),
        "retries": float(sum(verdict.reply.retries for verdict in fresh)),
        "latency_mean": math.fsum(latencies) / len(latencies) if latencies else 0.0,
        "latency_max": max(latencies, default=0.0),
        "cost": (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6,
    }
    errors = []
    if failures:
        errors.append(f"failed on {len(failures)} of {len(verdicts)} completions: {failures[0]}")
    if cache_problem:
        errors.append(cache_problem)
    return FunctionReport(
        name,
        seconds,
        error=f"The judge '{name}' {'; '.join(errors)}." if errors else None,
        error_kind="exception" if failures else "cache" if cache_problem else None,
        error_sample=next((i for i, one in enumerate(verdicts) if isinstance(one, str)), None),
        extras={"judge_seconds": [_seconds(verdict) for verdict in verdicts]},
        metrics=metrics,
    )


def _seconds(verdict: Verdict | str) -> str:
    return f"{verdict.reply.seconds:.3f}" if isinstance(verdict, Verdict) else ""
