"""Planning: what would stop a run, and what it would cost, before anything loads."""

from rft_core.planning.estimate import Plan, estimate
from rft_core.planning.problems import Facts, find_problems

__all__ = ["Facts", "Plan", "estimate", "find_problems"]
