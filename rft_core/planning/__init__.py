"""Planning: what would stop a run, and what it would cost, before anything loads."""

from rft_core.planning.estimate import Plan, estimate
from rft_core.planning.facts import LaunchFacts
from rft_core.planning.problems import find_problems

__all__ = ["LaunchFacts", "Plan", "estimate", "find_problems"]
