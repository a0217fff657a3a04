"""How much a run's preflight tries before step 1: never more than a step does."""

from __future__ import annotations

from rft_core.config import RunConfig, get_method

MOST_COMPLETIONS = 32
LARGEST_GROUP = 16  # of larger groups a part tells enough
FEWEST_PROMPTS = 2  # one alone tells nothing of others


def has_preflight(first: RunConfig) -> bool:
    """Whether a run is judged whose first stage this is: only where rewards teach its policy."""
    return first.preflight and get_method(first.method).family == "rollouts"


def choose_size(config: RunConfig, num_prompts: int) -> tuple[int, int]:
    """How many of so many prompts, and completions of each: never more than a step has."""
    group = min(config.num_generations, LARGEST_GROUP)
    of_a_step = max(1, config.generation_batch_size // config.num_generations)
    wanted = max(FEWEST_PROMPTS, MOST_COMPLETIONS // group)
    return min(wanted, of_a_step, num_prompts), group
