"""How a batch went that a judge was asked about: tokens, cost, latency, failures, ties."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rft_core.rewards.contract import FunctionReport
from rft_core.rewards.judge.cache import JudgeScore
from rft_core.rewards.judge.chat_endpoint import ChatReply

MEANINGS = {  # of what is measured, for people who look at its curve
    "calls": "Requests that were sent to the judge, also those that failed.",
    "cached": "Completions whose mark was known from an earlier call.",
    "failures": "Completions that stayed without a mark.",
    "stop_rate": "Share of the judge's answers that it ended by itself. The others were cut off at "
    "max_tokens: raise that where it falls.",
    "undecided_groups": "Share of the groups with different completions that the judge could not "
    "tell apart: they teach nothing. A clearer rubric or a stronger judge lowers it.",
    "cost": "What the batch cost by price_in and price_out, which count a million tokens.",
}

JudgeAnswer = JudgeScore | str  # or why there is no score


def report_batch(
    name: str,
    answers: Sequence[JudgeAnswer],
    replies: Sequence[ChatReply],
    *,
    calls: int,
    undecided: float | None,
    prices: tuple[float, float],
    seconds: float,
    cache_problem: str = "",
) -> FunctionReport:
    """`answers`: one for each completion, or why there is none; `replies`: all that came.

    `calls`: requests that were sent, also those that failed; `undecided`: see `share_undecided`;
    `prices`: of a million tokens asked, and answered; `cache_problem`: why scores cannot be kept
    as was wished, which costs no score.
    """
    failures = [answer for answer in answers if isinstance(answer, str)]
    metrics = {
        **_measure(replies, prices),
        "calls": float(calls),
        "cached": float(sum(isinstance(one, JudgeScore) and one.cached for one in answers)),
        "failures": float(len(failures)),
    }
    if undecided is not None:
        metrics["undecided_groups"] = undecided
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


def share_undecided(
    groups: Sequence[Sequence[int]], completions: Sequence[str], answers: Sequence[JudgeAnswer]
) -> float | None:
    """The share of groups that the judge could not tell apart: no two scores in them differ.

    Of those that hold different texts; None where there is no such group.
    """
    asked = [group for group in groups if len({completions[index] for index in group}) > 1]
    if not asked:
        return None
    scores = [
        {one.score for index in group if isinstance(one := answers[index], JudgeScore)}
        for group in asked
    ]
    return sum(len(different) < 2 for different in scores) / len(asked)


def _measure(replies: Sequence[ChatReply], prices: tuple[float, float]) -> dict[str, float]:
    """`stop_rate`: of the replies that say how they ended, the share that was not cut off."""
    tokens_in = float(sum(reply.tokens_in for reply in replies))
    tokens_out = float(sum(reply.tokens_out for reply in replies))
    latencies = [reply.seconds for reply in replies]
    endings = [reply.finish_reason for reply in replies if reply.finish_reason]
    stopped = {"stop_rate": endings.count("stop") / len(endings)} if endings else {}
    return {
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "retries": float(sum(reply.retries for reply in replies)),
        "latency_mean": math.fsum(latencies) / len(latencies) if latencies else 0.0,
        "latency_max": max(latencies, default=0.0),
        "cost": (tokens_in * prices[0] + tokens_out * prices[1]) / 1e6,
        **stopped,
    }


def _seconds(answer: JudgeAnswer) -> str:
    return f"{answer.reply.seconds:.3f}" if isinstance(answer, JudgeScore) else ""
