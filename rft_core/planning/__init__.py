"""Planning: what would stop a run, and what it would cost, before anything loads."""

from rft_core.planning.estimate import Plan, estimate
from rft_core.planning.facts import LaunchFacts
from rft_core.planning.judge_calls import JudgeCalls, count_judge_calls, refuse_lone_rankings
from rft_core.planning.problems import find_problems

__all__ = [
    "JudgeCalls",
    "LaunchFacts",
    "Plan",
    "count_judge_calls",
    "estimate",
    "find_problems",
    "refuse_lone_rankings",
]
