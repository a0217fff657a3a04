"""The experiments there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rft_core.errors import BadInputError, NotFoundError, quote
from rft_core.experiments import countdown_data, reft
from rft_core.experiments.design import Experiment

MAKERS: dict[str, Callable[..., Experiment]] = {
    "countdown-data": countdown_data.make_experiment,
    "reft": reft.make_experiment,
}


def get_experiment(name: str, *, quick: bool = False) -> Experiment:
    """`quick`: the same design at a size that takes minutes, and whose figures say nothing."""
    if name not in MAKERS:
        raise NotFoundError(
            f"There is no experiment named {quote(name):.60}",
            "",
            f"Choose from {', '.join(MAKERS)}",
        )
    return MAKERS[name](quick=quick)


def narrow(experiment: Experiment, block: str) -> Experiment:
    """The experiment with one of its blocks alone, and what it claims of that."""
    blocks = tuple(each for each in experiment.blocks if each.name == block)
    if not blocks:
        raise BadInputError(
            f"This experiment has no block {quote(block):.60}",
            "",
            f"Choose from {', '.join(repr(each.name) for each in experiment.blocks)}",
        )
    claims = tuple(claim for claim in experiment.claims if claim.block == block)
    return replace(experiment, blocks=blocks, claims=claims)
